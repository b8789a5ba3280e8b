// Blockwise codes against ONNX Runtime's own quantizer (fixtures: tools/fixtures/kernels.py), and against their promise:
// no value is farther from its code than half a step.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reference } from "../../src/kernels/dispatch.js";
import { unpack } from "../../src/tensor/packing.js";

interface Case {
  rows: number;
  columns: number;
  block: number;
  bits: 4 | 8;
  symmetric: boolean;
  weight: string;
  codes: string;
  scales: string;
  zeroPoints: string;
}
const cases = JSON.parse(
  readFileSync(new URL("../fixtures/kernels/blocks.json", import.meta.url), "utf8"),
) as readonly Case[];
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));
const floats = (text: string) => new Float32Array(bytes(text).buffer);
const one = (codes: Uint8Array, bits: 4 | 8) => (bits === 8 ? codes : unpack(codes, 4, codes.length * 2));

describe("ONNX Runtime's quantizer", () => {
  test.each(cases)("$rows x $columns, block $block, $bits bits, symmetric $symmetric", (given) => {
    const { rows, columns, block, bits, symmetric } = given;
    const form = { from: "float32", rows, columns, along: "rows", block, bits, symmetric } as const;
    const ours = reference["quantize-blocks"](bytes(given.weight), form);
    const blocks = Math.ceil(rows / block);

    // The scales are the same numbers (ours are never -0), and so are the zero points.
    expect([...ours.scales]).toEqual([...floats(given.scales)].map((scale) => scale + 0));
    if (ours.zeroPoints) {
      // Rows are padded to whole bytes; what stands in the padding has no meaning.
      const theirs = bytes(given.zeroPoints);
      const width = theirs.length / columns;
      for (let column = 0; column < columns; column++) {
        const row = one(theirs.subarray(column * width, (column + 1) * width), bits).subarray(0, blocks);
        expect([...ours.zeroPoints.subarray(column * blocks, (column + 1) * blocks)]).toEqual([...row]);
      }
    }

    // Codes differ only where x / scale is a half within the precision of float32: they round up, we to even.
    const weight = floats(given.weight);
    const [mine, theirs] = [one(ours.bytes, bits), one(bytes(given.codes), bits)];
    let differ = 0;
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) {
        const at = column * blocks * block + row;
        if (mine[at] === theirs[at]) continue;
        if (column !== 2) differ++; // Column 2 is made of halves only.
        const ratio = weight[row * columns + column]! / ours.scales[column * blocks + Math.floor(row / block)]!;
        expect(Math.abs(Math.abs(ratio % 1) - 0.5)).toBeLessThan(2 ** -14);
        expect(Math.abs(mine[at]! - theirs[at]!)).toBe(1);
      }
    }
    expect(differ).toBeLessThan(mine.length / 100);
  });
});

test("no value is farther from its code than half a step, except at the clipped end", () => {
  const form = fc.record({
    rows: fc.integer({ min: 1, max: 20 }),
    columns: fc.integer({ min: 1, max: 40 }),
    bits: fc.constantFrom(4 as const, 8 as const),
    symmetric: fc.boolean(),
  });
  fc.assert(
    fc.property(form, fc.infiniteStream(fc.float({ noNaN: true, min: -8, max: 8 })), (shape, stream) => {
      const values = Float32Array.from({ length: shape.rows * shape.columns }, () => Math.fround(stream.next().value!));
      const result = reference["quantize-blocks"](new Uint8Array(values.buffer), {
        ...shape,
        from: "float32",
        along: "columns",
        block: 16,
      });
      const blocks = Math.ceil(shape.columns / 16);
      const codes = one(result.bytes, shape.bits);
      for (let row = 0; row < shape.rows; row++) {
        for (let column = 0; column < shape.columns; column++) {
          const at = row * blocks + Math.floor(column / 16);
          const scale = result.scales[at]!;
          const zeroPoint = result.zeroPoints?.[at] ?? 2 ** (shape.bits - 1);
          const found = (codes[row * blocks * 16 + column]! - zeroPoint) * scale;
          const error = Math.abs(found - values[row * shape.columns + column]!);
          // Symmetric: the end opposite to the extreme is one step short. Asymmetric: the zero point is rounded.
          const code = codes[row * blocks * 16 + column]!;
          const atEnd = code === 2 ** shape.bits - 1 || (!shape.symmetric && code === 0);
          expect(error).toBeLessThanOrEqual(Math.abs(scale) * (atEnd ? 1.001 : 0.5001) + 1e-40);
        }
      }
    }),
  );
});
