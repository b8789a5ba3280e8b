// Gradient cases of codes: DequantizeLinear, and QuantizeLinear with what is particular to it beside it, in
// quantization.test.ts: rounding has no differences to compare with.

import { type Draw, gradientCases } from "../../../support/gradients.js";

const codes = (dims: number[], values: readonly number[], dtype: "int8" | "uint8" | "int32" = "int8") => ({
  dims,
  values,
  dtype,
});
const count = (n: number) => Array.from({ length: n }, (_, i) => ((i * 37) % 29) - 14);

/** Steps wide enough for the numbers to spread over the codes, and some beyond them. */
const steps: Draw = (random, n) => Array.from({ length: n }, () => 0.01 + 0.02 * random.next());

export const cases = [
  gradientCases("DequantizeLinear", [
    {
      name: "per tensor, with zero point",
      inputs: { scale: [] },
      constants: { q: codes([3, 5], count(15)), z: codes([], [3]) },
      order: ["q", "scale", "z"],
      dtype: "float32",
      linear: true,
    },
    {
      name: "per axis 0, without zero point",
      inputs: { scale: [3] },
      constants: { q: codes([3, 5], count(15)) },
      order: ["q", "scale"],
      attributes: { axis: 0 },
      dtype: "float32",
      linear: true,
    },
    {
      name: "per default axis, zero points",
      inputs: { scale: [5] },
      constants: { q: codes([2, 5, 3], count(30)), z: codes([5], [0, 1, -3, 7, 2]) },
      order: ["q", "scale", "z"],
      dtype: "float32",
      linear: true,
    },
    {
      name: "blocks, the last one short",
      inputs: { scale: [3, 2] },
      constants: { q: codes([5, 2], count(10)), z: codes([3, 2], [0, 1, -3, 7, 2, 1]) },
      order: ["q", "scale", "z"],
      attributes: { axis: 0, block_size: 2 },
      dtype: "float32",
      linear: true,
    },
    {
      name: "uint8 blocks along the last axis",
      inputs: { scale: [2, 2] },
      constants: {
        q: codes(
          [2, 6],
          count(12).map((q) => q + 100),
          "uint8",
        ),
        z: codes([2, 2], [100, 90, 128, 3], "uint8"),
      },
      order: ["q", "scale", "z"],
      attributes: { axis: -1, block_size: 3 },
      dtype: "float32",
      linear: true,
    },
    {
      name: "int32, as biases are",
      inputs: { scale: [5] },
      constants: { q: codes([5], [1000, -2000, 5, 0, 31], "int32") },
      order: ["q", "scale"],
      attributes: { axis: 0 },
      dtype: "float32",
      linear: true,
    },
  ]),
  gradientCases("QuantizeLinear", [
    {
      name: "per tensor, int8",
      inputs: { x: [3, 5, 7], scale: { dims: [], draw: steps } },
      constants: { z: codes([], [3]) },
    },
    {
      name: "per tensor, uint8",
      inputs: { x: [3, 5, 7], scale: { dims: [], draw: steps } },
      constants: { z: codes([], [117], "uint8") },
    },
    { name: "without zero point", inputs: { x: [105], scale: { dims: [], draw: steps } } },
    {
      name: "per axis 0",
      inputs: { x: [3, 5, 7], scale: { dims: [3], draw: steps } },
      constants: { z: codes([3], [0, -20, 40]) },
      attributes: { axis: 0 },
    },
    {
      name: "per default axis",
      inputs: { x: [3, 5, 7], scale: { dims: [5], draw: steps } },
      constants: { z: codes([5], [0, 0, 0, 0, 0]) },
    },
    {
      name: "blocks, the last one short",
      inputs: { x: [3, 7, 5], scale: { dims: [3, 3, 5], draw: steps } },
      constants: { z: codes([3, 3, 5], count(45)) },
      attributes: { axis: 1, block_size: 3 },
    },
  ]),
];
