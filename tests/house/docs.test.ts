// The pages are true: links lead somewhere, and every snippet runs, in the order of its page, against the built package.
// A block that cannot run here says why in a remark before it: `<!-- not run: downloads a model -->`.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Page, parsePage, type Snippet } from "../support/markdown.js";
import { environment, workplace } from "../support/package.js";
import { root } from "../support/root.js";
import { tracked } from "../support/tracked.js";

const paths = tracked(/\.md$/);
const pages = new Map<string, Page>(paths.map((path) => [path, parsePage(readFileSync(join(root, path), "utf8"))]));
const runnable = ["sh", "bash", "ts", "js", "mjs", "json"];
const taught = paths.filter((path) => path === "README.md" || path.startsWith("docs/"));

describe("links", () => {
  test("there are pages", () => {
    expect(paths).toEqual(expect.arrayContaining(["README.md", "CONTRIBUTING.md"]));
  });

  test.each([...pages])("%s", (path, page) => {
    expect(
      page.links.map(({ target, line }) => broken(path, target, line)).filter((found) => found !== undefined),
    ).toEqual([]);
  });

  test("a missing file and a missing heading are found", () => {
    expect(broken("docs/concepts.md", "gone.md", 1)).toBe("docs/concepts.md:1: there is no docs/gone.md");
    expect(broken("docs/concepts.md", "../README.md#no-such-heading", 2)).toMatch(/has no heading/);
  });
});

/** What is wrong with a link, or undefined. Other sites are not asked: a check must not depend on them. */
function broken(from: string, target: string, line: number): string | undefined {
  if (/^[a-z]+:/i.test(target)) return undefined;
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : join(dirname(from), decodeURIComponent(file));
  if (!existsSync(join(root, path))) return `${from}:${line}: there is no ${path}`;
  if (anchor === undefined || statSync(join(root, path)).isDirectory() || !path.endsWith(".md")) return undefined;
  return pages.get(path)?.anchors.has(anchor) ? undefined : `${from}:${line}: ${path} has no heading #${anchor}`;
}

describe("snippets", () => {
  const withSnippets = taught.filter((path) =>
    pages.get(path)!.snippets.some(({ language }) => runnable.includes(language)),
  );

  test("what does not run has a reason", () => {
    const silent = taught.flatMap((path) =>
      pages
        .get(path)!
        .snippets.filter(({ notRun }) => notRun !== undefined && notRun.length < 10)
        .map(({ line }) => `${path}:${line}`),
    );
    expect(silent).toEqual([]);
  });

  test("README has some", () => {
    expect(withSnippets).toContain("README.md");
  });

  test.each(withSnippets)("%s", { timeout: 300_000 }, (path) => {
    const folder = workplace();
    try {
      for (const snippet of pages.get(path)!.snippets) {
        if (!runnable.includes(snippet.language) || snippet.notRun !== undefined) continue;
        expect(run(snippet, folder), `${path}:${snippet.line}`).toBe("");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Runs one snippet; what went wrong, or nothing. */
function run(snippet: Snippet, folder: string): string {
  const { language, text, file, line, fails } = snippet;
  if (file !== undefined) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  if (language === "json") {
    JSON.parse(text);
    return "";
  }
  if (file !== undefined && language !== "sh" && language !== "bash") return "";
  if (language === "sh" || language === "bash") return execute("bash", ["-euo", "pipefail", "-c", text], folder, fails);
  const script = join(folder, `snippet-${line}.${language === "ts" ? "mts" : "mjs"}`);
  writeFileSync(script, text);
  return execute(join(root, "node_modules", ".bin", "tsx"), [script], folder, fails);
}

function execute(program: string, args: readonly string[], cwd: string, fails: number): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: environment(cwd),
    encoding: "utf8",
    timeout: 240_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return status === fails ? "" : `exit code ${status}\n${stdout}${stderr}`;
}
