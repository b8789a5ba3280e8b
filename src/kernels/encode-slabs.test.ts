// Whole weights through pools of one and three threads give the bytes that the plain kernel gives of the whole.

import fc from "fast-check";
import { expect, test } from "vitest";
import { packingFor } from "../tensor/packing.js";
import { bytesData } from "../tensor/tensor.js";
import { encode as plain } from "./encode.js";
import { encodeSlabs } from "./encode-slabs.js";
import { inlinePool } from "./inline.js";
import type { EncodeOptions, Grid, Scaling } from "./jobs.js";
import { castBfloat16, type EncodeLayout, encode, histogram } from "./slabs.js";

const bufferOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
const weight = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7) * (i % 97) * 0.01);
const pools = [1, 3].map((threads) => ({
  ...inlinePool(),
  threads,
  recycle: (bytes: Uint8Array) => void bytes.fill(0xee),
}));
const integers = (low: number, high: number): Grid => ({ kind: "integer", low, high });
const levels = (...numbers: number[]): Grid => ({
  kind: "levels",
  levels: Float32Array.from(numbers),
  thresholds: Float32Array.from(numbers.slice(1), (upper, i) => (upper + numbers[i]!) / 2),
  codes: Uint8Array.from(numbers, (_, i) => i),
});

async function same(rows: number, columns: number, options: Partial<EncodeLayout> & Pick<EncodeLayout, "packing">) {
  const values = weight(rows * columns);
  const raw = new Uint8Array(values.buffer);
  const form = { from: "float32", rows, columns, along: "columns", block: 32, range: { kind: "absmax" } } as const;
  const rest = { scaleFormat: "shared16", tensorScale: 1, rounding: { kind: "nearest" }, order: "own" } as const;
  const layout = { ...form, ...rest, grids: [integers(-8, 7)], scaling: { kind: "signed" } as Scaling, ...options };
  const whole = {
    ...layout,
    gridAlong: layout.gridAlong && { ...layout.gridAlong, first: 0 },
    rounding: { ...layout.rounding, first: 0 },
  } as EncodeOptions;
  const expected = plain(raw, whole);
  for (const pool of pools) {
    const found = await encode(pool, bytesData(raw.slice()), layout);
    expect(found.planes).toHaveLength(layout.packing.planes.length);
    expect(Buffer.concat(found.planes).equals(bufferOf(expected.bytes))).toBe(true);
    expect(bufferOf(found.scales).equals(bufferOf(expected.scales))).toBe(true);
    expect(found.zeroPoints && [...found.zeroPoints]).toEqual(expected.zeroPoints && [...expected.zeroPoints]);
    expect(found.nonFinite).toBe(expected.nonFinite);
    expect(found.squaredError).toBeCloseTo(expected.squaredError, 6);
  }
}

// 1.2 MB and more: several slabs; no dimension is a multiple of a block or of the codes of a byte.
const [rows, columns] = [701, 431];
const drawn = { kind: "stochastic", seed: 5 } as const;

test.each(["rows", "columns"] as const)("blocks along %s, in both orders", async (along) => {
  for (const scaling of [{ kind: "signed" }, { kind: "affine" }] as const) {
    await same(rows, columns, { along, scaling, packing: packingFor(16) });
    await same(rows, columns, { along, scaling, packing: packingFor(16), order: "outer" });
  }
  await same(rows, columns, { along, grids: [integers(-4, 3)], packing: packingFor(8), rounding: drawn });
  await same(rows, columns, { along, grids: [integers(-1, 1)], scaling: { kind: "mean" }, packing: packingFor(3) });
});

test("codes with scales of rows, of columns, of one axis in the middle, and without", async () => {
  const grids = [levels(-1, -0.2, 0, 0.1, 1)];
  const packing = packingFor(5);
  await same(rows, columns, { grids, packing, scaling: { kind: "none" }, rounding: drawn });
  for (const [keep, count] of [
    ["rows", rows],
    ["rows", 7],
    ["columns", columns],
    ["none", 1],
  ] as const) {
    const scales = Float32Array.from({ length: count }, (_, i) => 0.3 + i * 0.001);
    await same(rows, columns, { grids, packing, scaling: { kind: "given", scales, keep } });
    const zeroPoints = Uint8Array.from(scales, (_, i) => i % 16);
    const scaling = { kind: "given", scales, zeroPoints, keep } as const;
    await same(rows, columns, { grids: [integers(0, 15)], packing: packingFor(16), scaling });
  }
});

test("a grid for each group of rows or columns", async () => {
  const grids = Array.from({ length: 27 }, (_, i) => levels(-1 - i / 50, -0.1 * i, 0.01, 0.5 + i));
  for (const keep of ["rows", "columns"] as const) {
    for (const scaling of [{ kind: "none" }, { kind: "absolute" }] as const) {
      await same(rows, columns, { grids, gridAlong: { keep, size: 32 }, scaling, packing: packingFor(4) });
    }
  }
});

test("rows longer than a slab, and weights without values", async () => {
  await same(1, 700_001, { packing: packingFor(3), grids: [integers(-1, 1)] });
  await same(3, 300_000, { packing: packingFor(16) });
  await same(3, 300_001, { packing: packingFor(16) });
  for (const [rows, columns] of [
    [0, 5],
    [5, 0],
    [1, 1],
  ] as const) {
    await same(rows, columns, { packing: packingFor(8), grids: [integers(-4, 3)] });
    await same(rows, columns, {
      packing: packingFor(4),
      grids: [levels(0, 1)],
      gridAlong: { keep: "rows", size: 2 },
      scaling: { kind: "none" },
    });
  }
});

test("slabs fill whole bytes, whatever the shape", () => {
  const size = fc.integer({ min: 1, max: 9_000_000 });
  fc.assert(
    fc.property(
      size,
      size,
      fc.integer({ min: 2, max: 256 }),
      fc.integer({ min: 2, max: 300 }),
      fc.boolean(),
      (a, b, n, block, down) => {
        const [rows, columns] = [Math.min(a, 1 + Math.floor(9_000_000 / b)), b];
        const layout = {
          from: "float32",
          rows,
          columns,
          along: down ? "rows" : "columns",
          block,
          order: "own",
        } as const;
        const packing = packingFor(n);
        const slabs = encodeSlabs({ ...layout, packing, scaling: { kind: "absolute" } } as EncodeLayout, 2);
        let next = 0;
        for (const slab of slabs) {
          expect(slab.offset).toBe(next * 4);
          for (const { each } of packing.planes) expect(next % each).toBe(0);
          expect((down ? slab.row : slab.column) % block).toBe(0);
          next += slab.rows * slab.columns;
        }
        expect(next).toBe(rows * columns);
      },
    ),
    { numRuns: 300 },
  );
});

test("histogram and castBfloat16 of a whole weight", async () => {
  const values = weight(700_001);
  values[5] = Number.NaN;
  const raw = new Uint8Array(values.buffer);
  const form = { from: "float32", rows: 1, columns: values.length } as const;
  const [one, three] = await Promise.all(pools.map((pool) => histogram(pool, bytesData(raw.slice()), form)));
  expect(bufferOf(one!.counts).equals(bufferOf(three!.counts))).toBe(true);
  expect(bufferOf(one!.sums).equals(bufferOf(three!.sums))).toBe(true);
  expect(one!.nonFinite).toBe(1);
  expect(one!.counts.reduce((all, count) => all + count, 0)).toBe(values.length - 1);
  expect(one!.sums.reduce((all, sum) => all + sum, 0)).toBeCloseTo(
    values.reduce((all, x) => (Number.isNaN(x) ? all : all + x), 0),
    6,
  );
  let bytes = 0;
  for await (const piece of castBfloat16(pools[1]!, bytesData(raw.slice()))) bytes += piece.bytes.byteLength;
  expect(bytes).toBe(values.length * 2);
});
