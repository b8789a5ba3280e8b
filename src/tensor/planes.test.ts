import fc from "fast-check";
import { expect, it } from "vitest";
import {
  bitsPerCode,
  packBits,
  packCodes,
  packedBytes,
  packingFor,
  symbolTable,
  unpackBits,
  unpackCodes,
} from "./packing.js";
import { random } from "./random.js";

const planes = (levels: number) => packingFor(levels).planes.map(({ radix, each }) => [radix, each]);

it("takes one plane of many digits where it is smaller, else planes of bits", () => {
  expect(planes(2)).toEqual([[2, 8]]);
  expect(planes(3)).toEqual([[3, 5]]);
  expect(planes(4)).toEqual([[4, 4]]);
  expect(planes(5)).toEqual([[5, 3]]);
  expect(planes(6)).toEqual([[6, 3]]);
  for (const levels of [7, 8]) expect(planes(levels)).toEqual([[4, 4], [2, 8]]); // biome-ignore format: a line each
  for (const levels of [9, 16]) expect(planes(levels)).toEqual([[16, 2]]);
  expect(planes(32)).toEqual([[16, 2], [2, 8]]); // biome-ignore format: a line each
  expect(planes(64)).toEqual([[16, 2], [4, 4]]); // biome-ignore format: a line each
  expect(packingFor(128).planes).toEqual([
    { radix: 16, each: 2, multiplier: 8 },
    { radix: 4, each: 4, multiplier: 2 },
    { radix: 2, each: 8, multiplier: 1 },
  ]);
  expect(planes(256)).toEqual([[256, 1]]);
  expect(packingFor(65536).planes.map((plane) => plane.multiplier)).toEqual([1, 256]);
  for (const levels of [0, 1, 2.5, 257, 65535]) expect(() => packingFor(levels)).toThrow("no packing");
});

it("never takes more than the planes of bits would", () => {
  for (let levels = 2; levels <= 256; levels++) {
    const packing = packingFor(levels);
    expect(bitsPerCode(packing)).toBeLessThanOrEqual(Math.ceil(Math.log2(levels)));
    expect(bitsPerCode(packing)).toBeGreaterThanOrEqual(Math.log2(levels));
    for (const { radix, each } of packing.planes) expect(radix ** each).toBeLessThanOrEqual(256);
  }
});

it("lays the first digit lowest, planes one after the other", () => {
  expect([...packCodes(packingFor(3), Uint8Array.of(2, 0, 1, 0, 0, 1))]).toEqual([2 + 9, 1]);
  expect([...packCodes(packingFor(8), Uint8Array.of(5, 2, 7))]).toEqual([0b11_01_10, 0b101]);
  expect([...packCodes(packingFor(65536), Uint16Array.of(0x1234, 0xfffe))]).toEqual([0x34, 0xfe, 0x12, 0xff]);
});

it("gives back what was packed, of any number of levels", () => {
  const { int } = random(4);
  for (let levels = 2; levels <= 257; levels++) {
    const packing = packingFor(levels === 257 ? 65536 : levels);
    for (const count of [0, 1, 2, 7, 33]) {
      const codes = levels === 257 ? new Uint16Array(count) : new Uint8Array(count);
      for (let i = 0; i < count; i++) codes[i] = int(packing.levels);
      if (count > 0) codes[count - 1] = packing.levels - 1;
      const packed = packCodes(packing, codes);
      expect(packed.length).toBe(packedBytes(packing, count));
      const back = unpackCodes(packing, packed, count);
      expect(back.length === count && back.every((code, i) => code === codes[i])).toBe(true);
    }
  }
});

it("has tables from which a decoder makes the same codes", () => {
  for (const levels of [2, 3, 5, 8, 10, 100, 200]) {
    const packing = packingFor(levels);
    const codes = Uint8Array.from({ length: 77 }, (_, i) => (i * 31 + 7) % levels);
    const packed = packCodes(packing, codes);
    const found = new Uint8Array(codes.length);
    let at = 0;
    for (const plane of packing.planes) {
      const table = symbolTable(plane);
      expect(table.length).toBe(256 * plane.each);
      const bytes = packed.subarray(at, at + Math.ceil(codes.length / plane.each));
      at += bytes.length;
      const digits = [...bytes].flatMap((byte) => [...table.subarray(byte * plane.each, (byte + 1) * plane.each)]);
      found.forEach((code, i) => {
        found[i] = code + digits[i]! * plane.multiplier;
      });
      expect(digits.slice(codes.length).every((digit) => digit === 0)).toBe(true);
    }
    expect(found).toEqual(codes);
  }
  // 3^5 = 243: the bytes that are never written decode to zeros.
  expect(
    symbolTable(packingFor(3).planes[0]!)
      .subarray(243 * 5)
      .every((digit) => digit === 0),
  ).toBe(true);
});

it("refuses codes beyond the levels and bytes that are too few", () => {
  expect(() => packCodes(packingFor(3), Uint8Array.of(0, 3))).toThrow("code 3");
  expect(() => unpackCodes(packingFor(3), new Uint8Array(1), 6)).toThrow("need 2 bytes");
});

it("streams of 1 to 16 bits come back, without gaps", () => {
  expect([...packBits(Uint8Array.of(1, 2, 3, 4), 6)]).toEqual([0b10_000001, 0b0011_0000, 0b000100_00]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.uint16Array({ maxLength: 40 }), (bits, values) => {
      const codes = values.map((value) => value & (2 ** bits - 1));
      const packed = packBits(values, bits);
      expect(packed.length).toBe(Math.ceil((codes.length * bits) / 8));
      expect([...unpackBits(packed, bits, codes.length)]).toEqual([...codes]);
      // The definition: bit b of field i is bit i * bits + b of the stream.
      const stream = Array.from(codes, (code) => code.toString(2).padStart(bits, "0"))
        .reverse()
        .join("");
      const whole = packed.reduceRight((text, byte) => text + byte.toString(2).padStart(8, "0"), "");
      expect(whole).toBe(stream.padStart(packed.length * 8, "0"));
    }),
    { numRuns: 300 },
  );
  expect([...unpackBits(packBits(Int8Array.of(-1, -3), 3), 3, 2)]).toEqual([7, 5]);
  expect(() => packBits(new Uint8Array(1), 17)).toThrow("17 bits");
  expect(() => unpackBits(new Uint8Array(1), 3, 3)).toThrow("more than 1 bytes");
});
