import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeNode } from "../ir/build.js";
import { fromFloat16, toFloat16 } from "../tensor/float16.js";
import { derivedData, float32, type Tensor, tensor } from "../tensor/tensor.js";
import { scaledWeight } from "./scaled-weight.js";
import { transposed } from "./transposed-weight.js";

/** The same tensor streamed in pieces of a few bytes, cut without regard for elements. */
function inPieces(source: Tensor, size: number): Tensor {
  return {
    ...source,
    data: derivedData(source.data.byteLength, async function* () {
      const bytes = await source.data.read();
      for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
    }),
  };
}

const floatsOf = async (t: Tensor) => {
  const bytes = (await t.data.read()).slice();
  return t.dtype === "float16" ? fromFloat16(new Uint16Array(bytes.buffer)) : new Float32Array(bytes.buffer);
};

const small = fc.float({ min: -8, max: 8, noNaN: true });

describe("scaledWeight", () => {
  it("multiplies each row by its factor, however the source is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(small, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (length, factors, cut, half) => {
          const values = Float32Array.from({ length: length * factors.length }, (_, i) => Math.fround(i * 0.37 - 2));
          const dims = [factors.length, length];
          const source = half ? tensor("float16", dims, toFloat16(values)) : float32(dims, values);
          const exact = await floatsOf(source);
          const scaled = scaledWeight(inPieces(source, cut), { length, factor: (row) => factors[row]! });
          const found = await floatsOf(scaled);
          const expected = exact.map((value, i) => value * factors[Math.floor(i / length)]!);
          expect(found).toEqual(half ? fromFloat16(toFloat16(expected)) : expected);
          expect(await scaled.data.read(1, 2)).toEqual((await scaled.data.read()).slice(1, 2));
        },
      ),
    );
  });
});

describe("transposed", () => {
  it("moves every element to where the axes say, for all byte sizes", async () => {
    const permutation = fc.constantFrom([0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0], [2, 0, 1]);
    const dimension = fc.integer({ min: 0, max: 4 });
    await fc.assert(
      fc.asyncProperty(
        permutation,
        fc.tuple(dimension, dimension, dimension),
        fc.constantFrom("uint8", "float16", "float32", "int64"),
        async (perm, dims, dtype) => {
          const count = dims[0] * dims[1] * dims[2];
          const size = { uint8: 1, float16: 2, float32: 4, int64: 8 }[dtype]!;
          const bytes = Uint8Array.from({ length: count * size }, (_, i) => (i * 37) % 251);
          const node = makeNode("Transpose", ["w"], ["t"], { attributes: { perm } });
          const result = transposed(node, tensor(dtype as "uint8", dims, bytes))!;
          const to = perm.map((axis) => dims[axis]!);
          expect(result.dims).toEqual(to);
          if (result.sparse) throw new Error("dense");
          const found = await result.data.read();
          for (let i = 0; i < to[0]!; i++) {
            for (let j = 0; j < to[1]!; j++) {
              for (let k = 0; k < to[2]!; k++) {
                const index: number[] = [];
                for (const [at, axis] of perm.entries()) index[axis] = [i, j, k][at]!;
                const from = ((index[0]! * dims[1] + index[1]!) * dims[2] + index[2]!) * size;
                const at = ((i * to[1]! + j) * to[2]! + k) * size;
                expect(found.slice(at, at + size)).toEqual(bytes.slice(from, from + size));
              }
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
