// Gradient cases of operators that move numbers: all of them linear.

import { string } from "../../../../src/ir/attributes.js";
import { type GradientCase, gradientCases } from "../../../support/gradients.js";

type More = Pick<GradientCase, "constants" | "attributes" | "order" | "outputs" | "opset" | "loss" | "wrt">;

const linear = (name: string, x: readonly number[], more: More = {}): GradientCase => ({
  name,
  inputs: { x },
  linear: true,
  ...more,
});

const parts = (name: string, sizes: readonly (readonly number[])[], axis: number, more: More = {}): GradientCase => ({
  name,
  inputs: Object.fromEntries(sizes.map((dims, index) => [`x${index}`, dims])),
  attributes: { axis },
  linear: true,
  ...more,
});

const slice = (name: string, x: number[], starts: number[], ends: number[], axes?: number[], steps?: number[]) =>
  linear(name, x, {
    constants: {
      starts,
      ends,
      ...(axes === undefined ? {} : { axes }),
      ...(steps === undefined ? {} : { steps }),
    },
  });

const pad = (mode: string, name: string, x: number[], pads: number[], axes?: number[]) =>
  linear(`${mode}: ${name}`, x, {
    constants: { pads, ...(axes === undefined ? {} : { axes }) },
    order: ["x", "pads", ...(axes === undefined ? [] : ["", "axes"])],
    attributes: { mode },
  });

export const cases = [
  gradientCases("Reshape", [
    linear("odd sizes", [2, 3, 5], { constants: { shape: [6, 5] } }),
    linear("copied and inferred dimensions", [2, 3, 5], { constants: { shape: [0, -1, 1] } }),
    linear("to a scalar", [1], { constants: { shape: { dims: [0], values: [], dtype: "int64" } } }),
    linear("allowzero", [2, 3], { constants: { shape: [3, 2] }, attributes: { allowzero: 1 } }),
  ]),
  gradientCases("Flatten", [
    linear("default axis", [2, 3, 5]),
    linear("axis 0", [2, 3, 5], { attributes: { axis: 0 } }),
    linear("negative axis", [2, 3, 5], { attributes: { axis: -1 } }),
  ]),
  gradientCases("Squeeze", [linear("axes", [1, 3, 1, 5], { constants: { axes: [0, -2] } }), linear("all", [1, 3, 1])]),
  gradientCases("Unsqueeze", [
    linear("one axis", [3, 5], { constants: { axes: [1] } }),
    linear("several, negative", [3, 5], { constants: { axes: [0, -1] } }),
  ]),
  gradientCases("Transpose", [
    linear("perm", [2, 3, 5], { attributes: { perm: [1, 2, 0] } }),
    linear("default", [2, 3, 5]),
    linear("no change", [2, 3], { attributes: { perm: [0, 1] } }),
  ]),
  gradientCases("Concat", [
    parts(
      "odd sizes",
      [
        [2, 3],
        [2, 1],
        [2, 5],
      ],
      1,
    ),
    parts(
      "negative axis, equal sizes",
      [
        [2, 3, 4],
        [2, 3, 4],
      ],
      -2,
    ),
    parts(
      "one part not asked",
      [
        [2, 3],
        [4, 3],
        [1, 3],
      ],
      0,
      { wrt: ["x0", "x2"] },
    ),
    parts("one input", [[2, 3]], 0),
  ]),
  gradientCases("Split", [
    linear("sizes", [2, 7], { constants: { split: [1, 4, 2] }, attributes: { axis: 1 }, outputs: 3 }),
    linear("num_outputs, the last smaller", [7, 2], { attributes: { num_outputs: 3 }, outputs: 3 }),
    linear("negative axis, one part read", [2, 3, 6], {
      attributes: { axis: -1, num_outputs: 3 },
      outputs: 3,
      loss: [1],
    }),
    linear("the part in the middle not read", [6, 2], {
      constants: { split: [1, 3, 2] },
      outputs: 3,
      loss: [0, 2],
    }),
  ]),
  gradientCases("Slice", [
    slice("two axes", [4, 7], [1, 2], [3, 6]),
    slice("axes, negative positions", [4, 7, 3], [-3, -2], [-1, 1000], [1, -1]),
    slice("steps", [7, 8], [1, 0], [7, 8], [0, 1], [2, 3]),
    slice("negative steps", [7, 5], [5, 3], [0, -1000], [0, 1], [-2, -1]),
    slice("reversed", [5], [-1], [-9223372036854775000], [0], [-1]),
    slice("a step beyond the end", [5], [1], [5], [0], [7]),
    slice("a start beyond the end, backward", [5], [90], [1], [0], [-2]),
    slice("everything", [2, 3], [0], [2], [0]),
  ]),
  gradientCases("Pad", [
    pad("constant", "odd sizes", [2, 3], [1, 0, 2, 3]),
    linear("constant: with a value", [2, 3], { constants: { pads: [0, 1, 1, 0], value: { dims: [], values: [0.5] } } }),
    pad("constant", "axes", [2, 3, 4], [1, 2], [-1]),
    pad("constant", "negative pads", [5, 6], [-1, 2, 3, -2]),
    pad("constant", "cut only", [5, 6], [-1, -2, 0, -2]),
    pad("reflect", "odd sizes", [4, 5], [2, 1, 3, 4]),
    pad("reflect", "one axis", [3, 4], [2, 0], [1]),
    pad("reflect", "cut at one side", [2, 6], [-1, 3], [1]),
    pad("edge", "odd sizes", [3, 4], [2, 1, 0, 5]),
    pad("edge", "cut at one side", [2, 6], [3, -2], [-1]),
    pad("wrap", "odd sizes", [3, 4], [2, 1, 3, 2]),
    pad("wrap", "cut at one side", [2, 6], [-1, 2], [1]),
    pad("constant", "nothing", [2, 3], [0, 0, 0, 0]),
  ]),
  gradientCases("Expand", [
    linear("an axis of 1", [3, 1], { constants: { shape: [3, 5] } }),
    linear("new axes", [3, 1], { constants: { shape: [2, 1, 4] } }),
    linear("a scalar", [], { constants: { shape: [2, 3] } }),
    linear("nothing", [2, 3], { constants: { shape: [1, 3] } }),
  ]),
  gradientCases("Tile", [
    linear("odd sizes", [2, 3], { constants: { repeats: [3, 2] } }),
    linear("one axis", [2, 3, 1], { constants: { repeats: [1, 1, 5] } }),
    linear("nothing", [2, 3], { constants: { repeats: [1, 1] } }),
  ]),
  gradientCases("DepthToSpace", [
    linear("DCR", [2, 12, 3, 2], { attributes: { blocksize: 2 } }),
    linear("CRD", [2, 18, 1, 2], { attributes: { blocksize: 3, mode: string("CRD") } }),
  ]),
  gradientCases("SpaceToDepth", [
    linear("blocks of 2", [2, 3, 4, 6], { attributes: { blocksize: 2 } }),
    linear("blocks of 3", [1, 2, 3, 6], { attributes: { blocksize: 3 } }),
  ]),
  gradientCases("ReverseSequence", [
    linear("time first", [4, 3, 2], { constants: { lengths: [4, 2, 1] } }),
    linear("batch first", [3, 4, 2], {
      constants: { lengths: [1, 4, 3] },
      attributes: { batch_axis: 0, time_axis: 1 },
    }),
  ]),
];
