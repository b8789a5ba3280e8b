import fc from "fast-check";
import { expect, test } from "vitest";
import type { Value } from "../tensor/value.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";

const values: Record<string, Value> = {
  "state/w": {
    dtype: "float32",
    dims: [2, 3],
    data: Float32Array.of(1, -0, Number.NaN, 1e-45, Number.POSITIVE_INFINITY, 3),
  },
  scalar: { dtype: "float32", dims: [], data: Float32Array.of(0.1) },
  empty: { dtype: "float32", dims: [0, 4], data: new Float32Array(0) },
  Grüße: { dtype: "int64", dims: [2], data: BigInt64Array.of(-(2n ** 63n), 5n) },
  bytes: { dtype: "uint8", dims: [3], data: Uint8Array.of(1, 2, 255) },
};
const metadata = { pare: "1", key: '{"a":[1,"\\u0000"]}' };
const file = writeSafetensors({ values, metadata });

test("what is written is read again, also views of something larger", () => {
  expect(readSafetensors(file, "x")).toEqual({ values, metadata });
  const whole = Float32Array.from({ length: 10 }, (_, i) => i);
  const view: Value = { dtype: "float32", dims: [3], data: whole.subarray(4, 7) };
  expect(readSafetensors(writeSafetensors({ values: { view }, metadata: {} }), "x").values.view!.data).toEqual(
    Float32Array.of(4, 5, 6),
  );
});

test("the layout is that of the format", () => {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  expect(length % 8).toBe(0);
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  expect(header["state/w"]).toEqual({ dtype: "F32", shape: [2, 3], data_offsets: [0, 24] });
  expect(header.__metadata__).toEqual(metadata);
  expect(header.bytes.data_offsets[1]).toBe(file.length - 8 - length);
});

test("a file that was cut short, or that is something else, is refused", () => {
  for (let end = 0; end < file.length; end += 7) {
    expect(() => readSafetensors(file.subarray(0, end), "run.ckpt"), String(end)).toThrow(
      /run\.ckpt is no whole checkpoint/,
    );
  }
  expect(() => readSafetensors(Uint8Array.from([...file, 0]), "x")).toThrow("missing or too many");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => readSafetensors(bytes, "x")).toThrow("no whole checkpoint");
    }),
  );
  const edited = (change: (header: string) => string) => {
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    const text = change(new TextDecoder().decode(file.subarray(8, 8 + length))).padEnd(length);
    const made = new Uint8Array(file);
    made.set(new TextEncoder().encode(text), 8);
    return made;
  };
  const wrong = {
    "other bytes": edited((text) => text.replace("[0,24]", "[8,24]")),
    "a size that is none": edited((text) => text.replace("[2,3]", "[2,-3]")),
    "another type": edited((text) => text.replace('"F32"', '"Q32"')),
    "an entry that is no object": edited((text) => text.replace(/\{"dtype":"F32","shape":\[\],[^}]*\}/, "7")),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    expect(() => readSafetensors(bytes, "x"), what).toThrow("no whole checkpoint");
  }
});
