// What is stored reconstructs the weight to half a step, and comes out of one computation.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inlinePool } from "../kernels/inline.js";
import { derivedData, float32 } from "../tensor/tensor.js";
import type { Weight } from "../weights/weights.js";
import { blockCodes, linearCodes } from "./computation.js";

const pool = inlinePool();
const workers = { kernels: async () => pool, signal: undefined };
const numbers = (bytes: Uint8Array) => new Float32Array(bytes.slice().buffer);

const weightOf = (dims: readonly number[], values: Float32Array): Weight => ({
  name: "w",
  tensor: float32(dims, values) as Weight["tensor"],
  graph: { name: "", docString: "", inputs: [], outputs: [], valueInfo: new Map(), nodes: [], initializers: new Map() },
  elements: values.length,
  consumers: [],
  overridable: false,
});

const matrices = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70 })).chain(([rows, columns]) =>
  fc.tuple(
    fc.constant([rows, columns] as const),
    fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), {
      minLength: rows * columns,
      maxLength: rows * columns,
    }),
  ),
);

describe("one code a byte", () => {
  it.each([
    { low: -127, high: 127, asymmetric: false, zeroPoint: 0 },
    { low: 0, high: 255, asymmetric: false, zeroPoint: 128 },
    { low: 0, high: 255, asymmetric: true, zeroPoint: 128 },
    { low: -64, high: 64, asymmetric: false, zeroPoint: 0 },
  ])("is within half a step of the weight: $low to $high, asymmetric $asymmetric", async (range) => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.constantFrom(undefined, 0, 1), async ([dims, values], axis) => {
        const weight = weightOf(dims, Float32Array.from(values));
        const made = linearCodes(workers, weight, { axis, leading: false, ...range });
        const codes = await made.codes.read();
        const scales = numbers(await made.scales.read());
        const zeros = made.zeroPoints && (await made.zeroPoints.read());
        for (const [at, byte] of codes.entries()) {
          const group = axis === undefined ? 0 : axis === 0 ? Math.floor(at / dims[1]) : at % dims[1];
          const code = range.low < 0 ? (byte << 24) >> 24 : byte;
          expect(code).toBeGreaterThanOrEqual(range.low);
          expect(code).toBeLessThanOrEqual(range.high);
          const back = (code - (zeros ? zeros[group]! : range.zeroPoint)) * scales[group]!;
          const step = scales[group]! * (range.asymmetric ? 1.01 : 0.501) + 1e-37;
          expect(Math.abs(back - Math.fround(values[at]!))).toBeLessThanOrEqual(step);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is refused for weights that are not finite", async () => {
    const weight = weightOf([2], Float32Array.of(1, Number.NaN));
    const made = linearCodes(workers, weight, {
      axis: undefined,
      leading: false,
      low: -127,
      high: 127,
      asymmetric: false,
      zeroPoint: 0,
    });
    await expect(made.codes.read()).rejects.toMatchObject({ code: "weight-not-finite", node: "w" });
  });

  it("has scales of its own for each direction of a recurrent layer", async () => {
    const weight = weightOf(
      [2, 3, 4],
      new Float32Array(24).map((_, at) => Math.floor(at / 4) + 1),
    );
    const layout = { axis: 1, leading: true, low: -127, high: 127, asymmetric: false, zeroPoint: 0 };
    const made = linearCodes(workers, weight, layout);
    const scales = numbers(await made.scales.read());
    expect(Array.from(scales, (scale) => Math.round(scale * 127))).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("blocks", () => {
  const layout = { along: "columns", block: 16, symmetric: false, bits: 4 } as const;

  it("computes once for codes and then scales, once more for codes alone", async () => {
    let reads = 0;
    const values = new Float32Array(64).map((_, at) => Math.sin(at));
    const weight = weightOf([2, 32], values);
    const data = derivedData(256, async function* () {
      reads++;
      yield new Uint8Array(values.buffer);
    });
    const lazy = { ...weight, tensor: { ...weight.tensor, data } };
    const made = blockCodes(workers, lazy, { rows: 2, columns: 32, ...layout });
    expect(reads).toBe(0);
    await made.codes.read();
    await made.scales.read();
    await made.zeroPoints!.read();
    expect(reads).toBe(1);
    await made.codes.read();
    expect(reads).toBe(2);
  });

  it.each(["rows", "columns"] as const)("are refused along %s for weights that are not finite", async (along) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const values = new Float32Array(33 * 40).map((_, at) => Math.sin(at));
      values[33 * 40 - 1] = bad;
      const made = blockCodes(workers, weightOf([33, 40], values), { ...layout, rows: 33, columns: 40, along });
      for (const part of [made.codes, made.scales, made.zeroPoints!]) {
        await expect(part.read()).rejects.toMatchObject({ code: "weight-not-finite", node: "w" });
      }
    }
  });
});
