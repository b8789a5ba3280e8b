// Every number format against reference vectors of ml_dtypes, ONNX and ONNX Runtime (tools/fixtures/number-formats.py, which
// says whom the vectors follow where these differ).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FLOAT_FORMATS, type FloatFormat, floatLevels } from "../../src/tensor/float-formats.js";
import { toBfloat16Bits, toFloat16Bits } from "../../src/tensor/float16.js";
import { INTEGER_FORMATS } from "../../src/tensor/integers.js";
import { LEVEL_TABLES, levelCode } from "../../src/tensor/level-tables.js";
import { pack, packBits, unpackBits } from "../../src/tensor/packing.js";

type Entry = Record<string, string>;

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../fixtures/number-formats/${name}.json`, import.meta.url), "utf8")) as T;
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));
const words = (text: string) => new Uint16Array(bytes(text).buffer);
const floats = (text: string) => new Float32Array(bytes(text).buffer);

/** Names the values whose codes differ, so that a failure shows numbers. */
function differences(values: ArrayLike<number>, wanted: ArrayLike<number>, encode: (value: number) => number) {
  expect(values.length).toBe(wanted.length);
  expect(values.length).toBeGreaterThan(10);
  const found: string[] = [];
  for (let i = 0; i < values.length; i++) {
    const code = encode(values[i]!);
    if (code !== wanted[i]) found.push(`${values[i]}: ${code} instead of ${wanted[i]}`);
  }
  return found;
}

interface SmallEntry {
  readonly decoded: string;
  readonly chosen: string;
  readonly chosenSaturated: string;
  readonly sharedSaturated: string;
  readonly chosenWide: { readonly at: string; readonly codes: string };
  readonly sharedWide: { readonly at: string; readonly codes: string };
}

const { shared, ...small } = read<{ shared: string } & Record<string, SmallEntry>>("small");

describe.each(Object.keys(small) as (keyof typeof FLOAT_FORMATS)[])("%s", (name) => {
  const format: FloatFormat = FLOAT_FORMATS[name];
  const entry = small[name]! as SmallEntry;

  it("decodes as ml_dtypes and onnx do", () => {
    const decoded = floats(entry.decoded);
    expect(decoded.length).toBe(2 ** format.bits);
    expect(floatLevels(name)).toEqual(decoded);
  });

  it("encodes as ONNX Cast does, saturated and not", () => {
    for (const key of ["chosen", "shared"] as const) {
      const values = floats(key === "shared" ? shared : entry.chosen);
      const wanted = bytes(entry[`${key}Saturated`]);
      expect(differences(values, wanted, (value) => format.encode(value))).toEqual([]);
      expect(differences(values, wanted, (value) => format.encode(value, { saturate: true }))).toEqual([]);
      const codes = bytes(entry[`${key}Wide`].codes);
      words(entry[`${key}Wide`].at).forEach((at, i) => {
        wanted[at] = codes[i]!;
      });
      expect(codes.length > 0).toBe(format.nan);
      expect(differences(values, wanted, (value) => format.encode(value, { saturate: false }))).toEqual([]);
    }
  });
});

it("float64 values round once, to float16, bfloat16, tf32 and float32", () => {
  const wide = read<Entry>("wide");
  const values = new Float64Array(bytes(wide.float64!).buffer);
  for (const name of ["float16", "bfloat16", "tf32", "float32"] as const) {
    const wanted = new Uint32Array(bytes(wide[name]!).buffer);
    expect(differences(values, wanted, (value) => FLOAT_FORMATS[name].encode(value))).toEqual([]);
  }
  // By way of float32, as the fast paths for float32 input would, some go wrong: the vectors do test this.
  expect(differences(values, new Uint32Array(bytes(wide.float16!).buffer), toFloat16Bits).length).toBeGreaterThan(20);
  expect(differences(values, new Uint32Array(bytes(wide.bfloat16!).buffer), toBfloat16Bits).length).toBeGreaterThan(20);
});

it("float8e8m0 in each of ONNX's ways to round", () => {
  const scales = read<Entry>("scales");
  expect(floatLevels("float8e8m0")).toEqual(floats(scales.decoded!));
  const values = floats(scales.float32!);
  for (const round of ["up", "down", "nearest"] as const) {
    for (const saturate of [true, false]) {
      const wanted = bytes(scales[`${round}${saturate ? "Saturated" : "Wide"}`]!);
      const encode = (value: number) => FLOAT_FORMATS.float8e8m0.encode(value, { round, saturate });
      expect(differences(values, wanted, encode)).toEqual([]);
    }
  }
  const byDefault = (value: number) => FLOAT_FORMATS.float8e8m0.encode(value);
  expect(differences(values, bytes(scales.upSaturated!), byDefault)).toEqual([]);
});

it("integers as QuantizeLinear does", () => {
  const { float32, ...entries } = read<Entry>("integers");
  for (const [name, codes] of Object.entries(entries)) {
    const format = INTEGER_FORMATS[name as keyof typeof INTEGER_FORMATS];
    expect(differences(floats(float32!), words(codes), (value) => format.encode(value))).toEqual([]);
  }
  expect(Object.keys(entries)).toHaveLength(8);
});

it("packed types lie in raw_data as onnx.helper lays them", () => {
  const packed = read<Record<string, { bits: 2 | 4 | 6; codes: string; packed: string }>>("packed");
  for (const entry of Object.values(packed)) {
    const codes = bytes(entry.codes);
    expect(packBits(codes, entry.bits)).toEqual(bytes(entry.packed));
    expect(unpackBits(bytes(entry.packed), entry.bits, codes.length)).toEqual(codes);
    if (entry.bits !== 6) expect(pack(codes, entry.bits)).toEqual(bytes(entry.packed));
  }
  expect(Object.keys(packed)).toHaveLength(7);
});

describe.each(["nf4", "fp4"] as const)("%s", (name) => {
  const entry = read<Record<string, Entry>>("tables")[name]!;
  const table = LEVEL_TABLES[name];

  it("has the numbers of MatMulBnb4", () => {
    // What the operator gives is a sum, in which -0 has become 0.
    expect(Array.from(table.levels, (level) => level + 0)).toEqual([...floats(entry.levels!)]);
  });

  it("gives the codes of its quantizer, beside every pivot too", () => {
    expect(differences(floats(entry.float32!), bytes(entry.codes!), (value) => levelCode(table, value))).toEqual([]);
  });
});
