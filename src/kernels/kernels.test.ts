// Every SIMD kernel gives the bits of its plain reference, on any input.

import fc from "fast-check";
import { describe, test } from "vitest";
import { agree, keep, matrix, value } from "../../tests/support/kernels.js";
import { CHUNK_BYTES } from "./simd/machine.js";

describe("SIMD kernels equal their reference", () => {
  test("cast-float16", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 70 }), (all) => {
        agree("cast-float16", new Uint8Array(Float32Array.from(all).buffer), {});
      }),
      { numRuns: 500 },
    );
  });

  test("cast-bfloat16", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 70 }), (all) => {
        agree("cast-bfloat16", new Uint8Array(Float32Array.from(all).buffer), {});
      }),
      { numRuns: 500 },
    );
  });

  test("histogram", () => {
    fc.assert(
      fc.property(matrix, ({ bytes, ...shape }) => agree("histogram", bytes, shape)),
      { numRuns: 20 },
    );
  });

  test("statistics", () => {
    fc.assert(
      fc.property(matrix, keep, ({ bytes, ...shape }, keep) => agree("statistics", bytes, { ...shape, keep })),
      { numRuns: 300 },
    );
  });

  test("quantize-linear", () => {
    const range = fc.constantFrom(
      ...[
        { low: -128, high: 127 },
        { low: 0, high: 255 },
        { low: -127, high: 127 },
      ],
      ...[
        { low: -32768, high: 32767 },
        { low: 0, high: 65535 },
      ],
    );
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
    agree("cast-bfloat16", bytes, {});
    agree("histogram", bytes, { from: "float32", rows: 1, columns: values.length });
    for (const columns of [7, 1000, values.length]) {
      const rows = Math.floor(values.length / columns);
      const part = { from: "float32" as const, rows, columns };
      const input = bytes.subarray(0, rows * columns * 4);
      for (const keep of ["none", "rows", "columns"] as const) {
        agree("statistics", input, { ...part, keep });
        const scales = Float32Array.from({ length: keep === "none" ? 1 : part[keep] }, () => 1 / 127);
        agree("quantize-linear", input, { ...part, keep, scales, low: -128, high: 127 });
        agree("quantize-linear", input, { ...part, keep, scales, low: 0, high: 65535 });
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
