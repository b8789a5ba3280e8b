// Picked and scaled constants in every float type, against plain arithmetic.

import { expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.js";
import { fromBfloat16Bits, fromFloat16Bits, toBfloat16Bits, toFloat16Bits } from "../../tensor/float16.js";
import { float32, tensor } from "../../tensor/tensor.js";
import { floatScalar, isFloatType, pickedAndScaled } from "./scaled-vector.js";

const read = async (data: { read(): Promise<Uint8Array> }) => (await data.read()).slice().buffer;

test("positions are picked along both axes and multiplied", async () => {
  const source = float32([3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const picked = pickedAndScaled(source, [[0, 2], undefined], 0.5);
  expect(picked.dims).toEqual([2, 4]);
  expect([...new Float32Array(await read(picked.data))]).toEqual([0, 0.5, 1, 1.5, 4, 4.5, 5, 5.5]);
  const inner = pickedAndScaled(source, [[1, 2], [3]], 2);
  expect(inner.dims).toEqual([2, 1]);
  expect([...new Float32Array(await read(inner.data))]).toEqual([14, 22]);
});

test.each([
  ["float16", toFloat16Bits, fromFloat16Bits],
  ["bfloat16", toBfloat16Bits, fromBfloat16Bits],
] as const)("%s is rounded once", async (dtype, to, from) => {
  const values = [1.5, -3, 0.375, 1000];
  const picked = pickedAndScaled(tensor(dtype, [4], Uint16Array.from(values, to)), [[1, 2, 3]], 1 / 3);
  expect(picked.dtype).toBe(dtype);
  const found = [...new Uint16Array(await read(picked.data))];
  expect(found).toEqual(values.slice(1).map((value) => to(value / 3)));
  expect(from(found[0]!)).toBe(-1);
});

test("float64 keeps its precision", async () => {
  const picked = pickedAndScaled(tensor("float64", [2], Float64Array.of(1, 3)), [undefined], 1 / 7);
  expect([...new Float64Array(await read(picked.data))]).toEqual([1 / 7, 3 * (1 / 7)]);
});

test("scalars are of the type asked for; integers are none", async () => {
  const half = floatScalar("float16", 0.1);
  expect([half.dtype, half.dims, [...new Uint16Array(await read(half.data))]]).toEqual(["float16", [], [0x2e66]]);
  const types: DType[] = ["float32", "int64", "uint8", "bool"];
  expect(types.filter(isFloatType)).toEqual(["float32"]);
});
