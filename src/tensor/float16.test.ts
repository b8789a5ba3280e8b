import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  fromBfloat16,
  fromBfloat16Bits,
  fromFloat16,
  fromFloat16Bits,
  toBfloat16,
  toBfloat16Bits,
  toFloat16,
  toFloat16Bits,
} from "./float16.js";

/** Made by tools/fixtures/kernels.py. */
const fixture = JSON.parse(
  readFileSync(new URL("../../tests/fixtures/kernels/formats.json", import.meta.url), "utf8"),
) as Record<"float32" | "float16" | "bfloat16", string>;
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));
const words = (text: string) => new Uint16Array(bytes(text).buffer);
const values = new Float32Array(bytes(fixture.float32).buffer);

test("float16 is what NumPy makes of every kind of float32", () => {
  expect(values.length).toBeGreaterThan(2000);
  expect(Buffer.from(toFloat16(values).buffer).equals(bytes(fixture.float16))).toBe(true);
});

test("bfloat16 is what ml_dtypes makes of every kind of float32", () => {
  expect(Buffer.from(toBfloat16(values).buffer).equals(bytes(fixture.bfloat16))).toBe(true);
  expect([...fromBfloat16(words(fixture.bfloat16))]).toEqual([...words(fixture.bfloat16)].map(fromBfloat16Bits));
});

test("every bit pattern comes back; every NaN as the quiet one of its sign", () => {
  const wrong: number[] = [];
  for (let bits = 0; bits < 65536; bits++) {
    const nan16 = (bits & 0x7fff) > 0x7c00;
    if ((toFloat16Bits(fromFloat16Bits(bits)) & (nan16 ? 0x7fff : 0xffff)) !== (nan16 ? 0x7e00 : bits))
      wrong.push(bits);
    const nan = (bits & 0x7fff) > 0x7f80;
    if ((toBfloat16Bits(fromBfloat16Bits(bits)) & (nan ? 0x7fff : 0xffff)) !== (nan ? 0x7fc0 : bits)) wrong.push(bits);
  }
  expect(wrong).toEqual([]);
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  expect(toFloat16(fromFloat16(all)).filter((bits, i) => bits !== i && (i & 0x7fff) <= 0x7c00)).toHaveLength(0);
});

test("the nearest float16, and of two the even one", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: -65504, max: 65504 }), (value) => {
      const bits = toFloat16Bits(value);
      const found = fromFloat16Bits(bits);
      expect(Math.sign(found) === Math.sign(value) || found === 0).toBe(true);
      for (const other of [bits - 1, bits + 1]) {
        if (other < 0 || (other & 0x7fff) > 0x7c00 || (other ^ bits) & 0x8000) continue;
        const [here, there] = [Math.abs(found - value), Math.abs(fromFloat16Bits(other) - value)];
        expect(here < there || (here === there && bits % 2 === 0)).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
});
