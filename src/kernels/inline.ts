// A kernel pool without workers: runs each job where it is called. For tests, and where no worker can be started.

import { internal } from "../base/errors.js";
import { bytesOf, runJob } from "./dispatch.js";
import type { KernelPool } from "./pool.js";
import { type Machine, machine } from "./simd/machine.js";

export function inlinePool(): KernelPool {
  let made: Promise<Machine> | undefined;
  return {
    threads: 1,
    readsHandles: false,
    async run(name, input, job) {
      if (!("bytes" in input)) throw internal("the inline pool takes bytes, not a handle");
      made ??= machine();
      return runJob(await made, name, bytesOf(input.bytes), input.bytes.byteLength, job);
    },
    async dispose() {
      made = undefined;
    },
  };
}
