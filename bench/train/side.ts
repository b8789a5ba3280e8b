// One side of the comparison: a process that is asked by JSON lines.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { repository } from "../measured.js";

export class Side {
  readonly #child: ChildProcess;
  readonly #waiting: { done(answer: never): void; fail(error: Error): void }[] = [];

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { cwd: repository, stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      if (line.startsWith("{")) this.#waiting.shift()?.done(JSON.parse(line) as never);
      else process.stderr.write(`${line}\n`);
    });
    this.#child.on("close", (code) => {
      for (const { fail } of this.#waiting.splice(0)) fail(new Error(`${program} ended with ${code}`));
    });
  }

  ask<T>(request: object): Promise<T> {
    return new Promise<T>((done, fail) => {
      this.#waiting.push({ done: done as (answer: never) => void, fail });
      this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  }

  end(): void {
    this.#child.stdin!.end();
  }
}
