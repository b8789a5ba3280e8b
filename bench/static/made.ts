// Runs a process that makes a model, and reads what it prints of itself.

import { spawn } from "node:child_process";

export interface Made {
  readonly seconds: number;
  readonly processor: number;
  readonly peak: number;
  readonly remark?: string;
}

/** Throws with the last of the program's own words when it fails. */
export async function made(program: string, args: readonly string[]): Promise<Made> {
  const output = await new Promise<string>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => {
        text += data;
      });
    }
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(text);
      else reject(new Error(text.trim() || `ended with ${signal ?? code}`));
    });
  });
  const number = (name: string) => Number(new RegExp(`^${name} ([\\d.e-]+)$`, "m").exec(output)?.[1]);
  const remark = /^note (.+)$/m.exec(output)?.[1];
  return {
    seconds: number("seconds"),
    processor: number("processor"),
    peak: number("peak"),
    ...(remark && { remark }),
  };
}
