// Runs a command and measures it: wall seconds, and the peak resident memory of its largest process.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Measured {
  readonly seconds: number;
  /** Bytes; undefined when the program cannot say. */
  readonly peak: number | undefined;
}

const preload = new URL("./peak.mjs", import.meta.url).href;

/** Throws with the command's own words when it fails. */
export async function measured(program: string, args: readonly string[]): Promise<Measured> {
  const peaks = mkdtempSync(join(tmpdir(), "pare-peak-"));
  try {
    const env = { ...process.env, PARE_BENCH_PEAK: peaks, NODE_OPTIONS: `--import ${preload}`, NO_COLOR: "1" };
    const start = performance.now();
    const output = await finished(program, args, env);
    const wall = (performance.now() - start) / 1000;
    // A script that times a part of itself says how long it was.
    const seconds = Number(/^seconds ([\d.e-]+)$/m.exec(output)?.[1] ?? wall);
    // A Python peer prints its own peak.
    const said = [...output.matchAll(/^peak (\d+)$/gm)].map((match) => Number(match[1]));
    const written = readdirSync(peaks).map((name) => Number(readFileSync(join(peaks, name), "utf8")));
    const all = [...said, ...written];
    return { seconds, peak: all.length === 0 ? undefined : Math.max(...all) };
  } finally {
    rmSync(peaks, { recursive: true });
  }
}

function finished(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.stderr.on("data", (data) => {
      output += data;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${program} ${args.join(" ")} ended with ${signal ?? code}:\n${output.slice(-2000)}`));
    });
  });
}

/** Middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export const repository = fileURLToPath(new URL("../", import.meta.url)).replace(/\/$/, "");
