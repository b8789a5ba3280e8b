// pare as a stranger gets it: packed, and installed from the tarball into an empty folder.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { built, example } from "../support/package.js";
import { root } from "../support/root.js";

// The npm configuration of this checkout must not reach the stranger's folder.
const { FORCE_COLOR: _, NODE_OPTIONS: __, VITEST: ___, ...outer } = process.env;
const inherited = Object.entries(outer).filter(([name]) => !/^npm_/.test(name));
// ONNXRUNTIME_NODE_INSTALL=skip: what README tells users; the script would only fetch CUDA libraries.
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(inherited),
  NO_COLOR: "1",
  CI: "true",
  ONNXRUNTIME_NODE_INSTALL: "skip",
  npm_config_update_notifier: "false",
};

export interface Packed {
  readonly tarball: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly files: readonly string[];
}

/** `npm pack`, into a folder of its own. */
export function pack(): Packed {
  built();
  const folder = mkdtempSync(join(tmpdir(), "pare-pack-"));
  const out = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: root,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = JSON.parse(out) as unknown;
  // npm 12 answers an object by package name, npm 10 and 11 a list.
  const [packed] = (Array.isArray(said) ? said : Object.values(said as object)) as {
    filename: string;
    size: number;
    unpackedSize: number;
    files: { path: string }[];
  }[];
  if (!packed) throw new Error(`npm pack said nothing: ${out}`);
  return {
    tarball: join(folder, packed.filename),
    bytes: packed.size,
    unpackedBytes: packed.unpackedSize,
    files: packed.files.map(({ path }) => path),
  };
}

export interface Consumer {
  readonly folder: string;
  /** Runs a program in the folder; throws with its output when it fails. Gives its stdout. */
  run(program: string, ...args: string[]): string;
  write(name: string, text: string): void;
  remove(): void;
}

/** Installs the tarball into an empty folder; the files of the shipped example lie in it. */
export function install(tarball: string, ...flags: string[]): Consumer {
  const folder = mkdtempSync(join(tmpdir(), "pare-consumer-"));
  writeFileSync(join(folder, "package.json"), '{ "name": "stranger", "private": true, "type": "module" }\n');
  for (const name of ["model.onnx", "samples.bin", "labels.csv"]) cpSync(join(example, name), join(folder, name));
  const consumer: Consumer = {
    folder,
    run(program, ...args) {
      const { status, stdout, stderr, error } = spawnSync(program, args, {
        cwd: folder,
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        maxBuffer: 64 * 1024 * 1024,
      });
      if (error) throw error;
      if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${status}\n${stdout}${stderr}`);
      return stdout;
    },
    write(name, text) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), text);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
  consumer.run("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...flags, tarball);
  return consumer;
}
