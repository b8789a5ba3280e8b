// From a job's name to its kernel. Both tables are complete by type: a job without a kernel does not compile.

import { internal } from "../base/errors.js";
import { packedBytes } from "../tensor/packing.js";
import { castBfloat16, castFloat16 } from "./cast-half.js";
import { encode, shapeOf } from "./encode.js";
import { histogram } from "./histogram.js";
import type { EncodeOptions, KernelJobs } from "./jobs.js";
import { FLOAT_BYTES } from "./numbers.js";
import { quantizeBlocks } from "./quantize-blocks.js";
import { codeBytes, quantizeLinear } from "./quantize-linear.js";
import { castBfloat16 as simdCastBfloat16 } from "./simd/cast-bfloat16.js";
import { castFloat16 as simdCastFloat16 } from "./simd/cast-float16.js";
import { encode as simdEncode } from "./simd/encode.js";
import { histogram as simdHistogram } from "./simd/histogram.js";
import type { JobSource, Machine } from "./simd/machine.js";
import { quantizeBlocks as simdQuantizeBlocks } from "./simd/quantize-blocks.js";
import { quantizeLinear as simdQuantizeLinear } from "./simd/quantize-linear.js";
import { statistics as simdStatistics } from "./simd/statistics.js";
import { uniformBins as simdUniformBins } from "./simd/uniform-bins.js";
import { statistics } from "./statistics.js";
import { uniformBins } from "./uniform-bins.js";

export type JobName = keyof KernelJobs;
type Options<Name extends JobName> = KernelJobs[Name]["options"];
type Result<Name extends JobName> = KernelJobs[Name]["result"];

/** The plain TypeScript kernels: the meaning of every job, and what the SIMD kernels are compared with. */
export const reference: {
  readonly [Name in JobName]: (bytes: Uint8Array, options: Options<Name>) => Result<Name>;
} = {
  "cast-float16": castFloat16,
  "cast-bfloat16": castBfloat16,
  histogram,
  encode,
  statistics,
  "uniform-bins": uniformBins,
  "quantize-linear": quantizeLinear,
  "quantize-blocks": quantizeBlocks,
};

interface SimdKernel<Name extends JobName> {
  /** Bytes that the input must have; for cast-float16 any multiple of 4. */
  inputBytes(options: Options<Name>, length: number): number;
  /** Bytes of the large part of the result. */
  outputBytes(options: Options<Name>, length: number): number;
  /** `output` has that length and may hold anything. */
  run(machine: Machine, source: JobSource, length: number, options: Options<Name>, output: Uint8Array): Result<Name>;
}

const simd: { readonly [Name in JobName]: SimdKernel<Name> } = {
  "cast-float16": {
    inputBytes: (_, length) => Math.floor(length / 4) * 4,
    outputBytes: (_, length) => length / 2,
    run: (machine, source, length, _, output) => simdCastFloat16(machine, source, length, output),
  },
  "cast-bfloat16": {
    inputBytes: (_, length) => Math.floor(length / 4) * 4,
    outputBytes: (_, length) => length / 2,
    run: (machine, source, length, _, output) => simdCastBfloat16(machine, source, length, output),
  },
  histogram: {
    inputBytes: matrixBytes,
    outputBytes: () => 0,
    run: (machine, source, _, options) => simdHistogram(machine, source, options),
  },
  encode: {
    inputBytes: matrixBytes,
    outputBytes: (options) => packedBytes(options.packing, shapeOf(options).codes),
    run: (machine, source, _, options, output) => simdEncode(machine, source, options, output),
  },
  statistics: {
    inputBytes: matrixBytes,
    outputBytes: () => 0,
    run: (machine, source, _, options) => simdStatistics(machine, source, options),
  },
  "uniform-bins": {
    inputBytes: matrixBytes,
    outputBytes: () => 0,
    run: (machine, source, _, options) => simdUniformBins(machine, source, options),
  },
  "quantize-linear": {
    inputBytes: matrixBytes,
    outputBytes: (options) => options.rows * options.columns * codeBytes(options),
    run: (machine, source, _, options, output) => simdQuantizeLinear(machine, source, options, output),
  },
  "quantize-blocks": {
    inputBytes: matrixBytes,
    outputBytes: ({ rows, columns, along, block, bits }) => {
      const [outer, inner] = along === "rows" ? [columns, rows] : [rows, columns];
      return (outer * Math.ceil(inner / block) * block * bits) / 8;
    },
    run: (machine, source, _, options, output) => simdQuantizeBlocks(machine, source, options, output),
  },
};

function matrixBytes({ from, rows, columns }: Pick<EncodeOptions, "from" | "rows" | "columns">): number {
  return rows * columns * FLOAT_BYTES[from];
}

/** Runs a job on a machine. `allocate` gives the buffer of the large result: exactly that many bytes, of any content. */
export function runJob<Name extends JobName>(
  machine: Machine,
  name: Name,
  source: JobSource,
  length: number,
  options: Options<Name>,
  allocate: (byteLength: number) => Uint8Array = (byteLength) => new Uint8Array(byteLength),
): Result<Name> {
  const kernel = simd[name];
  const expected = kernel.inputBytes(options, length);
  if (expected !== length) throw internal(`${name} expects ${expected} bytes, got ${length}`);
  return kernel.run(machine, source, length, options, allocate(kernel.outputBytes(options, length)));
}

/** Bytes in hand as the source of a job. */
export const bytesOf = (bytes: Uint8Array): JobSource => ({
  copy: (target, offset) => target.set(bytes.subarray(offset, offset + target.byteLength)),
});
