// Inputs that find faults in kernels, and the comparison of a SIMD kernel with its reference, bit by bit.

import fc from "fast-check";
import { expect } from "vitest";
import { bytesOf, type JobName, reference, runJob } from "../../src/kernels/dispatch.js";
import type { KernelJobs } from "../../src/kernels/jobs.js";
import { machine } from "../../src/kernels/simd/machine.js";

const simd = await machine();

/** `nearly`: sums whose order is not laid down; equal to seven digits. */
export function agree<Name extends JobName>(
  name: Name,
  bytes: Uint8Array,
  options: KernelJobs[Name]["options"],
  { nearly = [] }: { readonly nearly?: readonly string[] } = {},
): void {
  // Buffers are recycled in the pool: what stood in them before must not show.
  const dirty = (length: number) => new Uint8Array(length).fill(0xa5);
  const found = runJob(simd, name, bytesOf(bytes), bytes.byteLength, options, dirty) as Record<string, unknown>;
  const expected = reference[name](bytes, options) as Record<string, unknown>;
  for (const sum of nearly) {
    const [a, b] = [found[sum] as number, expected[sum] as number];
    if (!Object.is(a, b)) expect(Math.abs(a - b), `${sum}: ${a}, ${b}`).toBeLessThanOrEqual(1e-7 * Math.abs(b));
    delete found[sum];
    delete expected[sum];
  }
  expect(bitsOf(found)).toEqual(bitsOf(expected));
}

/** Arrays as hexadecimal: exact (-0 differs from 0), and compared at once where `toEqual` takes seconds. */
const bitsOf = (result: object) =>
  Object.entries(result)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [
      key,
      ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex") : value,
    ]);

/** Values that find faults: ordinary weights, all-zero runs, exact halves, subnormals, extremes, any bit pattern. */
export const value = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }).map(Math.fround) },
  { weight: 3, arbitrary: fc.integer({ min: -600, max: 600 }).map((n) => n / 4) },
  { weight: 2, arbitrary: fc.constantFrom(0, -0, 1, -1, 65504, 65519.996, 65520, -65520, 2 ** -25, 2 ** -24, 6e-8) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-45, -4e-45, 1e-39) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }).map(floatOf) },
);
function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}

export const halfBits = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x2c00, max: 0x3c00 }) },
  { weight: 6, arbitrary: fc.integer({ min: 0xac00, max: 0xbc00 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 1, 0x8001, 0x7bff) },
);

export const matrix = fc
  .record({
    rows: fc.integer({ min: 0, max: 40 }),
    columns: fc.integer({ min: 0, max: 40 }),
    from: fc.constantFrom("float32" as const, "float16" as const),
    scale: fc.constantFrom(0, 1, 1e-3, 1e-38, 1e-44, 1e37),
    shift: fc.integer({ min: 0, max: 3 }),
  })
  .chain(({ rows, columns, from, scale, shift }) => {
    const length = { minLength: rows * columns, maxLength: rows * columns };
    const bytes =
      from === "float32"
        ? fc.array(value, length).map((all) => Float32Array.from(all, (x) => (Math.abs(x) <= 1 ? x * scale : x)))
        : fc.array(halfBits, length).map((all) => Uint16Array.from(all));
    // Bytes that do not start on a multiple of their size.
    return bytes.map((array) => {
      const moved = new Uint8Array(array.byteLength + shift);
      moved.set(new Uint8Array(array.buffer), shift);
      return { rows, columns, from, bytes: moved.subarray(shift) };
    });
  });

export const keep = fc.constantFrom("none" as const, "rows" as const, "columns" as const);
