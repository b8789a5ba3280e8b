// Gradient cases of operators that read or write where indices say.

import { distinct, type GradientCase, gradientCases } from "../../../support/gradients.js";

const indices = (dims: number[], values: number[], dtype: "int64" | "int32" = "int64") => ({
  indices: { dims, values, dtype },
});

const look = (
  name: string,
  x: number[],
  constants: GradientCase["constants"],
  attributes: GradientCase["attributes"] = {},
): GradientCase => ({ name, inputs: { x }, constants: constants!, attributes, linear: true });

const write = (
  name: string,
  data: number[],
  updates: number[],
  constants: ReturnType<typeof indices>,
  attributes: GradientCase["attributes"] = {},
): GradientCase => ({
  name,
  inputs: { data, updates },
  constants,
  order: ["data", "indices", "updates"],
  attributes,
  linear: true,
});

/** Pseudo-random, with repeats. */
const scattered = (count: number, below: number) =>
  Array.from({ length: count }, (_, i) => (i * i * 7 + 3 * i) % below);

export const cases = [
  gradientCases("Gather", [
    look("rows that repeat", [5, 3], indices([2, 4], [4, 0, 4, -1, 1, 1, 3, -5])),
    look("int32", [4, 3], indices([3], [2, 0, -2], "int32")),
    look("a middle axis", [2, 5, 3], indices([2, 3], [0, 4, 2, 2, -1, 0]), { axis: 1 }),
    look("the last axis", [3, 5], indices([7], [0, 4, 2, 2, -1, 0, 1]), { axis: -1 }),
    look("one position", [2, 5, 3], indices([], [0]), { axis: 1 }),
    look("one position from the end", [2, 5, 3], indices([], [-1]), { axis: 1 }),
    look("neighbours in reverse", [5, 2], indices([3], [3, 2, 1])),
    look("a table with more rows than are multiplied", [200, 2], indices([40], scattered(40, 200))),
    look("a long middle axis", [2, 150, 2], indices([30], scattered(30, 150)), { axis: 1 }),
  ]),
  gradientCases("GatherElements", [
    look("rows", [4, 3], indices([2, 3], [0, 3, -1, 3, 3, 1])),
    look("columns, fewer rows", [4, 5], indices([2, 3], [4, 0, 4, -2, 1, 1]), { axis: 1 }),
    look("negative axis", [2, 3, 2], indices([2, 3, 1], [0, 1, 1, -1, 0, -2]), { axis: -1 }),
  ]),
  gradientCases("GatherND", [
    look("elements", [3, 4], indices([5, 2], [0, 1, 2, 3, 0, 1, -1, -2, 1, 0])),
    look("rows that repeat", [5, 3], indices([2, 2, 1], [4, 0, 4, -1])),
    look("one batch axis", [3, 4, 2], indices([3, 2, 1], [0, 3, -1, 3, 1, 1]), { batch_dims: 1 }),
    look("two batch axes", [2, 3, 4], indices([2, 3, 1], [0, 3, -1, 2, 1, 1]), { batch_dims: 2 }),
    look(
      "a large table",
      [20, 10, 2],
      indices(
        [30, 2],
        scattered(30, 20).flatMap((at) => [at, at % 10]),
      ),
    ),
  ]),
  gradientCases("ScatterElements", [
    write("overwrites", [4, 3], [2, 3], indices([2, 3], [0, 3, -1, 2, 0, 1])),
    write("along columns, fewer rows", [4, 5], [2, 3], indices([2, 3], [4, 0, 3, -2, 1, 0]), { axis: 1 }),
    write("adds, with repeats", [4, 3], [2, 3], indices([2, 3], [0, 3, 1, 0, 3, 1]), { reduction: "add", axis: -2 }),
  ]),
  gradientCases("ScatterND", [
    write("overwrites rows", [5, 3], [2, 3], indices([2, 1], [3, -5])),
    write("overwrites elements", [3, 4], [2, 2], indices([2, 2, 2], [0, 1, 2, 3, -1, 0, 1, 1])),
    write("adds, with repeats", [3, 4], [3, 4], indices([3, 1], [2, 0, 2]), { reduction: "add" }),
  ]),
  gradientCases("TopK", [
    {
      name: "largest along the last axis",
      inputs: { x: { dims: [3, 7], draw: distinct } },
      constants: { k: [3] },
      outputs: 2,
    },
    {
      name: "smallest along the first axis, not sorted",
      inputs: { x: { dims: [6, 2], draw: distinct } },
      constants: { k: [2] },
      attributes: { axis: 0, largest: 0, sorted: 0 },
      outputs: 2,
    },
  ]),
];
