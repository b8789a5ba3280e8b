// Every SIMD kernel gives the bits of its plain reference, on any input.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { bytesOf, type JobName, reference, runJob } from "./dispatch.js";
import type { KernelJobs } from "./jobs.js";
import { CHUNK_BYTES, type Machine, machine } from "./simd/machine.js";

let simd: Machine;
beforeAll(async () => {
  simd = await machine();
});

function agree<Name extends JobName>(name: Name, bytes: Uint8Array, options: KernelJobs[Name]["options"]): void {
  // Buffers are recycled in the pool: what stood in them before must not show.
  const dirty = (length: number) => new Uint8Array(length).fill(0xa5);
  const found = runJob(simd, name, bytesOf(bytes), bytes.byteLength, options, dirty);
  const expected = reference[name](bytes, options);
  expect(bitsOf(found)).toEqual(bitsOf(expected));
}

/** Arrays as hexadecimal: exact (-0 differs from 0), and compared at once where `toEqual` takes seconds. */
const bitsOf = (result: object) =>
  Object.entries(result).map(([key, value]) => [
    key,
    ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex") : value,
  ]);

/** Values that find faults: ordinary weights, all-zero runs, exact halves, subnormals, extremes, any bit pattern. */
const value = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }).map(Math.fround) },
  { weight: 3, arbitrary: fc.integer({ min: -600, max: 600 }).map((n) => n / 4) },
  { weight: 2, arbitrary: fc.constantFrom(0, -0, 1, -1, 65504, 65519.996, 65520, -65520, 2 ** -25, 2 ** -24, 6e-8) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-45, -4e-45, 1e-39) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }).map(floatOf) },
);
function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}

const halfBits = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x2c00, max: 0x3c00 }) },
  { weight: 6, arbitrary: fc.integer({ min: 0xac00, max: 0xbc00 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 1, 0x8001, 0x7bff) },
);

const matrix = fc
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

const keep = fc.constantFrom("none" as const, "rows" as const, "columns" as const);

describe("SIMD kernels equal their reference", () => {
  test("cast-float16", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 70 }), (all) => {
        agree("cast-float16", new Uint8Array(Float32Array.from(all).buffer), {});
      }),
      { numRuns: 500 },
    );
  });

  test("statistics", () => {
    fc.assert(
      fc.property(matrix, keep, ({ bytes, ...shape }, keep) => agree("statistics", bytes, { ...shape, keep })),
      { numRuns: 300 },
    );
  });

  test("quantize-linear", () => {
    const range = fc.constantFrom({ low: -128, high: 127 }, { low: 0, high: 255 }, { low: -127, high: 127 });
    fc.assert(
      fc.property(
        matrix,
        keep,
        range,
        fc.array(value, { minLength: 40, maxLength: 40 }),
        fc.nat(1000),
        (m, k, r, s, z) => {
          const { bytes, ...shape } = m;
          const kept = k === "none" ? 1 : k === "rows" ? m.rows : m.columns;
          const scales = Float32Array.from(s.slice(0, kept));
          const zeroPoints = Int32Array.from(
            { length: kept },
            (_, i) => r.low + ((z * (i + 1)) % (r.high - r.low + 1)),
          );
          agree("quantize-linear", bytes, { ...shape, keep: k, scales, ...r, ...(z % 3 === 0 ? {} : { zeroPoints }) });
        },
      ),
      { numRuns: 300 },
    );
  });

  test("quantize-blocks", () => {
    const form = fc.record({
      along: fc.constantFrom("rows" as const, "columns" as const),
      block: fc.constantFrom(16, 32, 48),
      bits: fc.constantFrom(4 as const, 8 as const),
      symmetric: fc.boolean(),
    });
    fc.assert(
      fc.property(matrix, form, ({ bytes, ...shape }, form) => agree("quantize-blocks", bytes, { ...shape, ...form })),
      { numRuns: 800 },
    );
  });

  test("across the borders of the chunks that are worked on at once", () => {
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    };
    const values = Float32Array.from({ length: (3 * CHUNK_BYTES) / 4 + 1234 }, random);
    const bytes = new Uint8Array(values.buffer);
    agree("cast-float16", bytes, {});
    for (const columns of [7, 1000, values.length]) {
      const rows = Math.floor(values.length / columns);
      const part = { from: "float32" as const, rows, columns };
      const input = bytes.subarray(0, rows * columns * 4);
      for (const keep of ["none", "rows", "columns"] as const) {
        agree("statistics", input, { ...part, keep });
        const scales = Float32Array.from({ length: keep === "none" ? 1 : part[keep] }, () => 1 / 127);
        agree("quantize-linear", input, { ...part, keep, scales, low: -128, high: 127 });
      }
      agree("quantize-blocks", input, { ...part, along: "columns", block: 32, bits: 4, symmetric: true });
      agree("quantize-blocks", input, { ...part, along: "rows", block: 128, bits: 4, symmetric: false });
    }
  });

  test("rows of blocks too wide to be read at once", () => {
    const values = Float32Array.from({ length: 33 * 40_000 }, (_, i) => Math.sin(i * 1.3) * (i % 77));
    const input = new Uint8Array(values.buffer);
    const form = { along: "rows" as const, rows: 33, columns: 40_000, block: 32, bits: 4 as const, symmetric: true };
    agree("quantize-blocks", input, { ...form, from: "float32" });
    agree("quantize-blocks", input, { ...form, from: "float16", rows: 66, block: 256, bits: 8 });
  });

  test("every float16 bit pattern, widened and cast back", () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const options = { from: "float16" as const, rows: 4096, columns: 16, block: 16, bits: 8 as const };
    agree("quantize-blocks", new Uint8Array(bits.buffer), { ...options, along: "columns", symmetric: true });
    agree("statistics", new Uint8Array(bits.buffer), { from: "float16", rows: 4096, columns: 16, keep: "rows" });
  });
});
