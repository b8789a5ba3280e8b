import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalData, hashData } from "./content.js";
import { bytesData, derivedData, type TensorData } from "./tensor.js";

/** The same bytes in pieces cut at the given places, each at an odd offset in its buffer. */
function cut(bytes: Uint8Array, places: readonly number[]): TensorData {
  const ends = [...new Set(places.map((p) => p % (bytes.length + 1)))].sort((x, y) => x - y);
  return derivedData(bytes.length, async function* () {
    let from = 0;
    for (const to of [...ends, bytes.length]) {
      const piece = new Uint8Array(to - from + 1);
      piece.set(bytes.subarray(from, to), 1);
      yield piece.subarray(1);
      from = to;
    }
  });
}

describe("content", () => {
  it("hashes and compares the same however the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(300), { maxLength: 6 }),
        fc.nat(299),
        async (bytes, places, at) => {
          const whole = bytesData(bytes);
          const pieces = cut(bytes, places);
          expect(await hashData(pieces)).toBe(await hashData(whole));
          expect(await hashData(pieces, 17)).toBe(await hashData(whole, 17));
          expect(await equalData(whole, pieces)).toBe(true);
          if (bytes.length === 0) return;
          const other = bytes.slice();
          other[at % bytes.length]! ^= 1;
          expect(await hashData(bytesData(other))).not.toBe(await hashData(whole));
          expect(await equalData(cut(other, places), whole)).toBe(false);
        },
      ),
    );
  });

  it("tells lengths apart", async () => {
    expect(await hashData(bytesData(new Uint8Array(4)))).not.toBe(await hashData(bytesData(new Uint8Array(5))));
    expect(await equalData(bytesData(new Uint8Array(4)), bytesData(new Uint8Array(5)))).toBe(false);
  });
});
