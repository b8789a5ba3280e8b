// The kernels by themselves, gigabytes of input a second: plain reference, SIMD on one core from memory, and whole
// weights from a file in the page cache through the pool, as the methods call them.
//
//     npx tsx bench/kernels.ts [megabytes of the file, default 1024]
//
// "a CPU second" divides by the processor time of all threads instead of by the clock: what to compare on a busy machine.

import { closeSync, fstatSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { bytesOf, type JobName, reference, runJob } from "../src/kernels/dispatch.js";
import type { KernelJobs } from "../src/kernels/jobs.js";
import { machine } from "../src/kernels/simd/machine.js";
import {
  castBfloat16,
  castFloat16,
  encode,
  histogram,
  quantizeBlocks,
  quantizeLinear,
  statistics,
} from "../src/kernels/slabs.js";
import { fileIdentity } from "../src/platform/node/file-identity.js";
import { kernels } from "../src/platform/node/kernels.js";
import { gridOf, gridOfFloat, gridOfTable } from "../src/quantize/grids.js";
import { LEVEL_TABLES } from "../src/tensor/level-tables.js";
import { packingFor } from "../src/tensor/packing.js";
import { sourceData, type TensorData } from "../src/tensor/tensor.js";

const SIDE = 4096;
const WEIGHT = SIDE * SIDE * 4;
const weights = Math.max(1, Math.round((Number(process.argv[2] ?? 1024) * 2 ** 20) / WEIGHT));

const part = { from: "float32", rows: 512, columns: SIDE } as const;
const scales = new Float32Array(SIDE).fill(1 / 254);
const blocks = { ...part, block: 32, bits: 4, symmetric: true } as const;
const whole = { ...blocks, rows: SIDE } as const;
const linear = { scales, low: -128, high: 127 };
const view = { from: "float32", dims: [SIDE, SIDE], axis: 1 } as const;

interface Row {
  readonly title: string;
  readonly reference: () => unknown;
  readonly simd: () => unknown;
  readonly weight: (data: TensorData) => Promise<unknown>;
}

const values = Float32Array.from({ length: part.rows * SIDE }, (_, i) => Math.sin(i) * Math.cos(i * 0.7) * 0.1);
const bytes = new Uint8Array(values.buffer);
const small = bytes.subarray(0, bytes.length / 16);
const simd = await machine();
const buffers = new Map<number, Uint8Array>();
const allocate = (length: number) => {
  const buffer = buffers.get(length) ?? new Uint8Array(length);
  buffers.set(length, buffer);
  return buffer;
};
function row<Name extends JobName>(
  title: string,
  name: Name,
  options: KernelJobs[Name]["options"],
  weight: Row["weight"],
): Row {
  const fewer = "rows" in options ? { ...options, rows: part.rows / 16 } : options;
  return {
    title,
    reference: () => reference[name](small, fewer),
    simd: () => runJob(simd, name, bytesOf(bytes), bytes.length, options, allocate),
    weight,
  };
}

type Encode = KernelJobs["encode"]["options"];

/** Codes in blocks of 32 along the rows, in the weight's own order, with float16 scales; unless said otherwise. */
function codes(title: string, levels: number, grid: Encode["grids"][number], more: Partial<Encode> = {}): Row {
  const common = { ...part, along: "rows", block: 32, range: { kind: "absmax" }, scaleFormat: "shared16" } as const;
  const rest = { tensorScale: 1, rounding: { kind: "nearest" }, order: "own", packing: packingFor(levels) } as const;
  const scaling = { kind: grid.kind === "integer" ? "signed" : "absolute" } as const;
  const options = { ...common, ...rest, grids: [grid], scaling, ...more };
  const { gridAlong: _, ...layout } = options;
  return row(title, "encode", options, (data) => encode(pool, data, { ...layout, rows: SIDE }));
}
const integers = (bits: number) => ({ kind: "integer", low: -(2 ** (bits - 1)), high: 2 ** (bits - 1) - 1 }) as const;
const book = (entries: number) =>
  gridOf(
    Float32Array.from({ length: entries }, (_, i) => (i / entries - 0.49) * 0.2),
    "lower",
  );

async function consume(pieces: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pieces);
}

const folder = fileURLToPath(new URL(".work", import.meta.url));
const path = `${folder}/kernels.bin`;
mkdirSync(folder, { recursive: true });
const file = openSync(path, "w+");
for (let at = 0; at < weights * WEIGHT; at += bytes.length) writeSync(file, bytes);
const handle = { path, identity: fileIdentity(fstatSync(file, { bigint: true })) };
const source = { name: path, size: weights * WEIGHT, handle, read: () => Promise.reject(new Error("read by workers")) };
const pool = await kernels();

const rows = [
  row("int4 blocks, symmetric, along columns", "quantize-blocks", { ...blocks, along: "columns" }, (data) =>
    quantizeBlocks(pool, data, { ...whole, along: "columns" }),
  ),
  row("int4 blocks, symmetric, along rows", "quantize-blocks", { ...blocks, along: "rows" }, (data) =>
    quantizeBlocks(pool, data, { ...whole, along: "rows" }),
  ),
  row(
    "int4 blocks, asymmetric, along rows",
    "quantize-blocks",
    { ...blocks, along: "rows", symmetric: false },
    (data) => quantizeBlocks(pool, data, { ...whole, along: "rows", symmetric: false }),
  ),
  row("int8 blocks, symmetric, along rows", "quantize-blocks", { ...blocks, along: "rows", bits: 8 }, (data) =>
    quantizeBlocks(pool, data, { ...whole, along: "rows", bits: 8 }),
  ),
  row("float16", "cast-float16", {}, (data) => consume(castFloat16(pool, data, { recycle: true }))),
  row("bfloat16", "cast-bfloat16", {}, (data) => consume(castBfloat16(pool, data, { recycle: true }))),
  ...[8, 6, 5, 4, 3, 2].map((bits) => codes(`int${bits} codes`, 2 ** bits, integers(bits))),
  codes("int4 codes along columns", 16, integers(4), { along: "columns" }),
  codes("int4 codes, outer order", 16, integers(4), { order: "outer" }),
  ...[8, 6, 5, 4, 3, 2].map((bits) => {
    const unsigned = { kind: "integer", low: 0, high: 2 ** bits - 1 } as const;
    return codes(`uint${bits} codes, affine`, 2 ** bits, unsigned, { scaling: { kind: "affine" } });
  }),
  codes("float8e4m3fn codes", 256, gridOfFloat("float8e4m3fn")),
  codes("float8e5m2 codes", 256, gridOfFloat("float8e5m2")),
  codes("float6e3m2 codes", 64, gridOfFloat("float6e3m2")),
  codes("float4e2m1 codes, e8m0 scales", 16, gridOfFloat("float4e2m1"), { scaleFormat: "float8e8m0" }),
  codes("nf4 codes", 16, gridOfTable(LEVEL_TABLES.nf4)),
  codes("nf4 codes along columns", 16, gridOfTable(LEVEL_TABLES.nf4), { along: "columns" }),
  codes("ternary codes", 3, integers(2), { grids: [{ kind: "integer", low: -1, high: 1 }], scaling: { kind: "mean" } }),
  codes("codebook of 16", 16, book(16), { scaling: { kind: "none" } }),
  codes("codebook of 256", 256, book(256), { scaling: { kind: "none" } }),
  codes("int4 codes, percentile", 16, integers(4), { range: { kind: "percentile", percentile: 99 } }),
  codes("int2 codes, mse of 8 steps", 4, integers(2), { range: { kind: "mse", steps: 8 } }),
  codes("int3 codes, mse of 8 steps", 8, integers(3), { range: { kind: "mse", steps: 8 } }),
  codes("int2 codes, mse of 20 steps", 4, integers(2), { range: { kind: "mse", steps: 20 } }),
  codes("nf4 codes, mse of 20 steps", 16, gridOfTable(LEVEL_TABLES.nf4), { range: { kind: "mse", steps: 20 } }),
  codes("int4 codes, stochastic", 16, integers(4), { rounding: { kind: "stochastic", seed: 1, first: 0 } }),
  row("histogram", "histogram", part, (data) => histogram(pool, data, { ...part, rows: SIDE })),
  row("range per column", "statistics", { ...part, keep: "columns" }, (data) => statistics(pool, data, view)),
  row("int8 per column", "quantize-linear", { ...part, keep: "columns", ...linear }, (data) =>
    consume(quantizeLinear(pool, data, { ...view, ...linear }, { recycle: true })),
  ),
];

/** Best of some runs: other work on the machine only ever takes away. */
function best(run: () => unknown, length: number, times: number): string {
  let most = 0;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    run();
    most = Math.max(most, length / (performance.now() - start) / 1e6);
  }
  return most.toFixed(2);
}

const table = new Table({
  head: ["kernel", "reference", "SIMD, one core", `pool of ${pool.threads}, file`, "a CPU second"],
  style: { head: [] },
});
for (const { title, reference, simd, weight } of rows) {
  let [wall, processor] = [0, 0];
  for (let round = 0; round < 3; round++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    for (let i = 0; i < weights; i++) await weight(sourceData(source, i * WEIGHT, WEIGHT));
    const { user, system } = process.cpuUsage(used);
    wall = Math.max(wall, source.size / (performance.now() - start) / 1e6);
    processor = Math.max(processor, source.size / (user + system) / 1e3);
  }
  table.push([
    title,
    best(reference, small.length, 5),
    best(simd, bytes.length, 30),
    wall.toFixed(2),
    processor.toFixed(2),
  ]);
}
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}; file of ${source.size / 2 ** 20} MiB; GB/s of input`,
);
console.log(table.toString());
console.log(`resident memory at the end: ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`);
await pool.dispose();
closeSync(file);
rmSync(path);
