// From a job's name to its kernel. The table is complete by type.

import { castFloat16 } from "./cast-float16.js";
import type { KernelJobs } from "./jobs.js";
import { quantizeBlocks } from "./quantize-blocks.js";
import { quantizeLinear } from "./quantize-linear.js";
import { statistics } from "./statistics.js";

export type JobName = keyof KernelJobs;

type Kernels = {
  readonly [Name in JobName]: (bytes: Uint8Array, options: KernelJobs[Name]["options"]) => KernelJobs[Name]["result"];
};

/** The plain TypeScript kernels: the meaning of every job, and what the SIMD kernels are compared with. */
export const reference: Kernels = {
  "cast-float16": castFloat16,
  statistics,
  "quantize-linear": quantizeLinear,
  "quantize-blocks": quantizeBlocks,
};
