import fc from "fast-check";
import { expect, test } from "vitest";
import { byteCount, DTYPES, elementCount } from "../../tensor/dtype.js";
import { pack, unpack } from "../../tensor/packing.js";
import { tensor } from "../../tensor/tensor.js";
import { gathered } from "./gathered.js";

const dtypes = ["float32", "float16", "int8", "float64", "int64", "uint4", "int2"] as const;

/** Elements of 1 byte or more as strings of their bytes, smaller ones as codes. */
function elements(bytes: Uint8Array, bits: number, count: number): string[] {
  if (bits < 8) return Array.from(unpack(bytes, bits as 2 | 4, count), String);
  return Array.from({ length: count }, (_, at) => bytes.slice((at * bits) / 8, ((at + 1) * bits) / 8).join());
}

test("the elements at kept positions, in order, bit for bit", async () => {
  const axis = fc.integer({ min: 1, max: 40 }).chain((length) =>
    fc.record({
      length: fc.constant(length),
      kept: fc.option(
        fc.subarray(
          Array.from({ length }, (_, at) => at),
          { minLength: 1 },
        ),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...dtypes),
      fc.array(axis, { minLength: 1, maxLength: 3 }).filter((list) => list.some(({ kept }) => kept !== null)),
      fc.integer(),
      async (dtype, axes, seed) => {
        const dims = axes.map(({ length }) => length);
        const { bits } = DTYPES[dtype];
        const count = elementCount(dims);
        const drawn = Uint8Array.from(
          { length: Math.max(count, byteCount(dtype, dims)) },
          (_, at) => (at * 37 + seed) & 255,
        );
        const bytes =
          bits < 8 ? pack(drawn.subarray(0, count), bits as 2 | 4) : drawn.subarray(0, byteCount(dtype, dims));
        // From an odd offset too, as bytes stand in a file.
        const shifted = new Uint8Array(bytes.length + 1);
        shifted.set(bytes, 1);
        const kept = new Map(axes.flatMap((one, at) => (one.kept === null ? [] : [[at, one.kept] as const])));
        const result = gathered(tensor(dtype, dims, shifted.subarray(1)), kept);
        const all = elements(bytes, bits, count);
        const expected = all.filter((_, at) =>
          dims.every(
            (length, i) => kept.get(i)?.includes(Math.floor(at / elementCount(dims.slice(i + 1))) % length) ?? true,
          ),
        );
        expect(result.dims).toEqual(axes.map(({ length, kept: left }) => left?.length ?? length));
        const read = await result.data.read();
        expect(read.length).toBe(byteCount(dtype, result.dims));
        expect(elements(read, bits, expected.length)).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});
