import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOAT_FORMATS, type FloatFormat, type FloatFormatName, floatLevels } from "./float-formats.js";
import { toBfloat16Bits, toFloat16Bits } from "./float16.js";
import { random } from "./random.js";

const names = Object.keys(FLOAT_FORMATS) as FloatFormatName[];
const nearest = { round: "nearest", saturate: false } as const;

/** Some or all codes of a format. */
function codesOf(format: FloatFormat): number[] {
  const all = 2 ** format.bits;
  const step = all <= 65536 ? 1 : Math.floor(all / 65536) - 1;
  return Array.from({ length: Math.floor(all / step) }, (_, i) => i * step);
}

describe.each(names)("%s", (name) => {
  const format: FloatFormat = FLOAT_FORMATS[name];

  /** Numbers of every size that matters to the format, exact and not. */
  const numbers = fc
    .oneof(
      fc.nat(2 ** format.bits - 1).map(format.decode),
      fc
        .tuple(fc.nat(2 ** format.bits - 1), fc.double({ min: 0, max: 2, noNaN: true }))
        .map(([code, part]) => format.decode(code) * part),
      fc.double({ noDefaultInfinity: true }),
    )
    .filter((value) => Number.isFinite(value) && (name !== "float8e8m0" || value >= 2 ** -127));
  const inside = numbers.filter((value) => Math.abs(value) <= format.max);

  it("gives every code back, NaN as one of them", () => {
    const wrong = codesOf(format).filter((code) => {
      const value = format.decode(code);
      const back = format.encode(value, { saturate: false });
      if (Number.isFinite(value) && format.encode(value) !== code) return true;
      return back !== (Number.isNaN(value) ? format.nanCode : code);
    });
    expect(wrong).toEqual([]);
  });

  it("keeps what it says of itself", () => {
    const finite = codesOf(format)
      .map((code) => format.decode(code))
      .filter(Number.isFinite);
    // Not all codes of float32 are looked at: its largest is.
    expect(format.decode(format.encode(format.max))).toBe(format.max);
    expect(finite.every((value) => Math.abs(value) <= format.max)).toBe(true);
    expect(format.decode(format.encode(format.minSubnormal))).toBe(format.minSubnormal);
    expect(finite.every((value) => value <= 0 || value >= format.minSubnormal)).toBe(true);
    expect(format.decode(format.encode(-0))).toBe(format.negativeZero ? -0 : name === "float8e8m0" ? 2 ** -127 : 0);
    expect(format.decode(format.encode(Infinity, { saturate: true }))).toBe(format.max);
    const beyond = format.decode(format.encode(Infinity, { saturate: false }));
    expect(beyond).toBe(format.infinity ? Infinity : format.nan ? Number.NaN : format.max);
    if (format.nan) expect(format.decode(format.encode(Number.NaN))).toBeNaN();
    else
      expect(() => format.encode(Number.NaN)).toThrow(expect.objectContaining({ code: "number-nan", kind: "invalid" }));
    if (format.bits <= 8) expect([...floatLevels(name)]).toEqual(codesOf(format).map((code) => format.decode(code)));
  });

  it("takes the nearest number, and the even code of two", () => {
    fc.assert(
      fc.property(inside, (value) => {
        const code = format.encode(value, nearest);
        const error = Math.abs(format.decode(code) - value);
        for (const other of [code - 1, code + 1]) {
          const distance = Math.abs(format.decode(other) - value);
          // No number, or the one beside it in code only: the last above zero and the first below.
          if (!Number.isFinite(distance) || other < 0 || other >= 2 ** format.bits) continue;
          const tieWon = name === "float8e8m0" ? other < code : code % 2 === 0;
          if (error > distance || (error === distance && !tieWon)) throw new Error(`${value}: ${code}, not ${other}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is monotone in every way to round", () => {
    fc.assert(
      fc.property(numbers, numbers, fc.constantFrom("nearest", "up", "down"), (first, second, round) => {
        const encoded = [first, second].map((value) => format.decode(format.encode(value, { round, saturate: true })));
        expect(first <= second ? encoded[0]! <= encoded[1]! : encoded[0]! >= encoded[1]!).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("rounds up away from zero and down towards it", () => {
    fc.assert(
      fc.property(inside, (value) => {
        const up = format.encode(value, { round: "up", saturate: true });
        const down = format.encode(value, { round: "down" });
        const size = Math.abs(value);
        expect(Math.abs(format.decode(down)) <= size && size <= Math.abs(format.decode(up))).toBe(true);
        // Neighbours, or the same; without -0, what is below zero and small goes down to code 0.
        if (format.decode(down) !== 0) expect([0, 1]).toContain(up - down);
        else expect(Math.abs(format.decode(up)) <= format.minSubnormal).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("rounds stochastically to one of the two neighbours, exact numbers never", () => {
    const { next } = random(5);
    fc.assert(
      fc.property(inside, (value) => {
        const [up, down] = [format.encode(value, { round: "up" }), format.encode(value, { round: "down" })];
        expect([up, down]).toContain(format.encode(value, { draw: next }));
        expect(format.encode(value, { draw: () => 0 })).toBe(up);
        const draw = () => {
          throw new Error("drawn for an exact number");
        };
        if (format.decode(down) === value) expect(format.encode(value, { draw })).toBe(down);
      }),
      { numRuns: 300 },
    );
  });

  it("rounds stochastically without bias", () => {
    const { next } = random(11);
    const count = 4000;
    for (const place of [0.1, 0.5, 0.93]) {
      const lower = format.decode(format.encode(1.5, { round: "down" }));
      const upper = format.decode(format.encode(lower, { saturate: true }) + 1);
      const value = lower + place * (upper - lower);
      let ups = 0;
      for (let i = 0; i < count; i++) ups += format.decode(format.encode(value, { draw: next })) === upper ? 1 : 0;
      // Five standard deviations of a binomial.
      expect(Math.abs(ups / count - place)).toBeLessThan(5 * Math.sqrt((place * (1 - place)) / count));
    }
  });
});

it("float16 and bfloat16 are those of the fast paths for every float32", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      expect(FLOAT_FORMATS.float16.encode(value)).toBe(toFloat16Bits(value));
      expect(FLOAT_FORMATS.bfloat16.encode(value)).toBe(toBfloat16Bits(value));
    }),
    { numRuns: 2000 },
  );
});

it("float32 is Math.fround", () => {
  const [float, word] = [new Float32Array(1), new Uint32Array(1)];
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      float[0] = value;
      word.set(new Uint32Array(float.buffer));
      expect(FLOAT_FORMATS.float32.encode(value)).toBe(word[0]);
    }),
    { numRuns: 2000 },
  );
});

it("a wide format has no table of levels", () => {
  expect(() => floatLevels("float16")).toThrow(expect.objectContaining({ code: "format-too-wide" }));
});
