// What each file of the checkout keeps to: size, a purpose line, names, determinism, and nothing of one machine.

import { existsSync, readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/root.js";
import { tracked } from "../support/tracked.js";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const generated = /^src\/(?:onnx\/schema|kernels\/simd\/bytes)/;
const code = tracked(/\.ts$/).filter((path) => !generated.test(path));
const shipped = code.filter((path) => path.startsWith("src/") && !path.endsWith(".test.ts"));

test("there is something to look at", () => {
  expect(shipped.length).toBeGreaterThan(50);
});

describe("size", () => {
  test("no file is longer than 500 lines, and one over 300 says why (`// Long because ...`)", () => {
    const lines = code.map((path) => ({ path, count: read(path).split("\n").length }));
    expect(lines.filter(({ count }) => count > 500)).toEqual([]);
    expect(lines.filter(({ path, count }) => count > 300 && !/^\/\/ Long because \w/m.test(read(path)))).toEqual([]);
  });

  test("no tracked file is larger than 1 MB", () => {
    const large = tracked().filter((path) => readFileSync(join(root, path)).byteLength > 1024 * 1024);
    expect(large).toEqual([]);
  });
});

describe("code", () => {
  test("begins with what it is for", () => {
    // A unit test beside its file is for that file.
    const own = code.filter((path) => !(path.startsWith("src/") && path.endsWith(".test.ts")));
    const silent = own.filter((path) => !/^(?:#!.*\n)?(?:\/\/|\/\*)/.test(read(path)));
    expect(silent).toEqual([]);
  });

  test("has names that say something", () => {
    const vague = code.filter((path) => /\b(?:utils?|helpers?|managers?|misc|common)\b/i.test(path));
    expect(vague).toEqual([]);
  });

  test("takes randomness and time as arguments", () => {
    // A clock may time something (platform/, cli/); it never decides a result.
    const loose = shipped.filter((path) => /\bMath\.random\b/.test(read(path)));
    const clocks = shipped.filter(
      (path) => !/^src\/(?:platform|cli)\//.test(path) && /\bDate\.now\b|new Date\(\)/.test(read(path)),
    );
    expect([...loose, ...clocks]).toEqual([]);
  });

  test("turns no check off without a reason", () => {
    const off = /@ts-(?:ignore|nocheck|expect-error)(?!:? \S)|biome-ignore [\w/]+:?\s*$|biome-ignore-all/m;
    expect(code.filter((path) => path !== "tests/house/files.test.ts" && off.test(read(path)))).toEqual([]);
  });
});

describe("tests", () => {
  const tests = code.filter((path) => path.endsWith(".test.ts"));

  test("assert something", () => {
    // Gradient cases are data, and what runs them asserts.
    const asserts = /\bexpect\(|\bfc\.assert\(|\brunGradientCases\(/;
    expect(tests.filter((path) => !asserts.test(read(path)))).toEqual([]);
  });

  test("none is left alone or left out in silence", () => {
    const alone = tests.filter((path) => /\b(?:test|it|describe)\.(?:only|todo|fails)\(/.test(read(path)));
    expect(alone).toEqual([]);
  });
});

describe("nothing of one machine", () => {
  /** The standard folders of any POSIX system may be named; a folder that only this machine has may not. */
  const standard = /^(?:bin|boot|dev|etc|lib|lib64|media|mnt|opt|proc|run|sbin|sys|tmp|usr|var)$/;
  const text = tracked(/\.(?:ts|mts|js|mjs|json|md|ya?ml|sh|toml|html|css|py|proto|txt|csv)$|^\.[^/]+$|^\.ci\//);

  const absolute = (line: string): string | undefined => {
    for (const [, whole, first] of line.matchAll(/(?<![\w.:/$}*~>\])<-])(\/([A-Za-z][\w-]*)\/[\w.@-]+)/g)) {
      if (/^(?:home|Users)$/.test(first!) || (!standard.test(first!) && existsSync(`/${first}`))) return whole;
    }
    return undefined;
  };

  test("no path of a person's or a machine's own folders", () => {
    const found = text.flatMap((path) =>
      read(path)
        .split("\n")
        .flatMap((line, at) =>
          absolute(line) || line.includes(`${homedir()}/`) ? [`${path}:${at + 1}: ${line.trim()}`] : [],
        ),
    );
    expect(found).toEqual([]);
  });

  test("the search finds such a path", () => {
    expect(absolute(`read "${["", "home", "someone", "x"].join("/")}"`)).toBe(["", "home", "someone"].join("/"));
    expect(absolute("see https://example.com/home/page and src/home/x and /usr/bin/env")).toBeUndefined();
  });

  test("no name of this machine", () => {
    const name = hostname();
    // Short or common names ("node", "runner") say nothing.
    const found = name.length < 8 ? [] : text.filter((path) => read(path).includes(name));
    expect(found).toEqual([]);
  });

  test("the lockfile names packages, not the registry they came from", () => {
    const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, { resolved?: string }> };
    const entries = Object.entries(lock.packages);
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
    expect(read(".npmrc")).not.toMatch(/registry=/);
  });

  test("nothing that is private by its name", () => {
    const secret = tracked().filter((path) => /^\.env|\.pem$|\.key$|^id_rsa|credentials/i.test(basename(path)));
    expect(secret).toEqual([]);
  });
});
