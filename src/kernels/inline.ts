// A kernel pool without workers: runs each job where it is called. For tests, and where no worker can be started.

import { internal } from "../base/errors.js";
import { reference } from "./dispatch.js";
import type { KernelPool } from "./pool.js";

export function inlinePool(): KernelPool {
  return {
    threads: 1,
    async run(name, input, job) {
      if (!("bytes" in input)) throw internal("the inline pool takes bytes, not a handle");
      return reference[name](input.bytes, job);
    },
    async dispose() {},
  };
}
