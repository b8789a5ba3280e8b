import fc from "fast-check";
import { expect, test } from "vitest";
import { pack, packRows, unpack, unpackSigned } from "./packing.js";

const bits = fc.constantFrom(1 as const, 2 as const, 4 as const);

test("low bits first, the rest of the last byte zero", () => {
  expect([...pack(Uint8Array.of(1, 2, 3), 4)]).toEqual([0x21, 0x03]);
  expect([...pack(Uint8Array.of(1, 2, 3, 0, 2), 2)]).toEqual([0b00_11_10_01, 0b10]);
  expect([...pack(Int8Array.of(-1, -8, 7), 4)]).toEqual([0x8f, 0x07]);
  expect([...pack(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1, 1), 1)]).toEqual([0x81, 1]);
});

test("what was packed comes back", () => {
  fc.assert(
    fc.property(bits, fc.uint8Array({ maxLength: 50 }), (bits, codes) => {
      const packed = pack(codes, bits);
      const low = codes.map((code) => code & ((1 << bits) - 1));
      expect(packed.length).toBe(Math.ceil((codes.length * bits) / 8));
      expect(unpack(packed, bits, codes.length)).toEqual(low);
      const half = 1 << (bits - 1);
      const signed = [...low].map((code) => (code >= half ? code - 2 * half : code));
      expect([...unpackSigned(packed, bits, codes.length)]).toEqual(signed);
    }),
  );
});

test("rows are padded each to whole bytes", () => {
  expect([...packRows(Uint8Array.of(1, 2, 3, 4, 5, 6), 3, 4)]).toEqual([0x21, 0x03, 0x54, 0x06]);
  expect(packRows(new Uint8Array(0), 0, 4)).toHaveLength(0);
});
