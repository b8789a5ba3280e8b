// Gradient cases of pooling.

import { averagePool, lpPool, maxPool } from "../../../support/definitions/windows.js";
import { away, distinct, type GradientCase, gradientCases } from "../../../support/gradients.js";

type Dims = readonly number[];
type Attributes = NonNullable<GradientCase["attributes"]>;

/** The largest of each window differ by more than a step, so that it stays the largest. */
const largest = (name: string, x: Dims, attributes: Attributes, more: Partial<GradientCase> = {}): GradientCase => ({
  name,
  inputs: { x: { dims: x, draw: distinct } },
  attributes,
  ...more,
});

const average = (name: string, x: Dims, attributes: Attributes): GradientCase => ({
  name,
  inputs: { x },
  attributes,
  definition: averagePool,
  linear: true,
});

const lp = (name: string, x: Dims, attributes: Attributes): GradientCase => ({
  name,
  inputs: { x: { dims: x, draw: away([0], 0.1) } },
  attributes,
  definition: lpPool,
});

export const cases = [
  gradientCases("MaxPool", [
    largest(
      "odd sizes",
      [2, 3, 7, 5],
      { kernel_shape: [3, 2], strides: [2, 1] },
      {
        kinks: [
          {
            name: "ties: the first, row by row",
            // Three windows of rows 0 to 2: the largest of the first two is theirs both, the last has only zeros.
            at: { x: { dims: [1, 1, 4, 4], values: [1, 1, 0, 0, 1, 2, 0, 0, 2, 2, 0, 0, 0, 0, 3, 3] } },
            expected: { x: [0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
          },
        ],
      },
    ),
    largest("windows side by side", [2, 3, 6, 8], { kernel_shape: [2, 2], strides: [2, 2] }),
    largest(
      "windows side by side, float32",
      [2, 3, 6, 9],
      { kernel_shape: [2, 3], strides: [2, 3] },
      { definition: maxPool },
    ),
    largest(
      "windows apart, float32",
      [2, 2, 7, 9],
      { kernel_shape: [2, 2], strides: [3, 4], pads: [1, 0, 0, 1] },
      { definition: maxPool },
    ),
    largest(
      "overlap, float32",
      [2, 2, 7, 9],
      { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
      { definition: maxPool },
    ),
    largest("asymmetric pads", [1, 2, 6, 5], { kernel_shape: [3, 4], strides: [2, 2], pads: [0, 2, 1, 1] }),
    largest("ceil_mode", [1, 2, 6, 8], { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1 }),
    largest("dilations", [1, 2, 8, 7], { kernel_shape: [3, 2], dilations: [2, 3], strides: [1, 2] }),
    largest("SAME_UPPER", [1, 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 1], auto_pad: "SAME_UPPER" }),
    largest("SAME_LOWER", [1, 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 1], auto_pad: "SAME_LOWER" }),
    largest("storage_order", [1, 2, 6, 5], { kernel_shape: [2, 2], storage_order: 1 }, { outputs: 2, loss: [0] }),
    largest("indices beside", [1, 2, 6, 5], { kernel_shape: [3, 2], strides: [2, 2] }, { outputs: 2, loss: [0] }),
    largest("one dimension", [2, 3, 11], { kernel_shape: [4], strides: [3], pads: [1, 2] }),
    largest("three dimensions", [1, 2, 5, 4, 6], { kernel_shape: [3, 2, 2], strides: [2, 2, 3] }),
  ]),
  gradientCases("AveragePool", [
    average("odd sizes", [2, 3, 7, 5], { kernel_shape: [3, 2] }),
    average("windows side by side", [2, 3, 6, 8], { kernel_shape: [2, 2], strides: [2, 2] }),
    average("windows side by side, the rest left out", [1, 2, 7, 8], { kernel_shape: [2, 3], strides: [2, 3] }),
    average("side by side, pads", [1, 2, 7, 8], { kernel_shape: [3, 3], strides: [3, 3], pads: [1, 0, 1, 1] }),
    average("pads not counted", [2, 2, 6, 5], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    average("pads counted", [2, 2, 6, 5], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
    average("asymmetric pads, strides", [1, 2, 7, 6], { kernel_shape: [3, 4], strides: [2, 3], pads: [0, 2, 1, 1] }),
    average("ceil_mode", [1, 2, 6, 8], { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1 }),
    average("ceil_mode, pads counted", [1, 2, 6, 9], {
      kernel_shape: [3, 3],
      strides: [2, 3],
      pads: [1, 1, 1, 1],
      ceil_mode: 1,
      count_include_pad: 1,
    }),
    average("dilations", [1, 2, 8, 7], { kernel_shape: [3, 2], dilations: [2, 3], strides: [1, 2] }),
    average("dilations, pads", [1, 2, 6, 7], { kernel_shape: [3, 2], dilations: [2, 3], pads: [2, 1, 1, 1] }),
    average("SAME_UPPER", [1, 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 1], auto_pad: "SAME_UPPER" }),
    average("SAME_LOWER", [1, 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 1], auto_pad: "SAME_LOWER" }),
    average("one dimension", [2, 3, 11], { kernel_shape: [4], strides: [3], pads: [1, 2] }),
    average("three dimensions", [1, 2, 5, 4, 6], {
      kernel_shape: [3, 2, 2],
      strides: [2, 2, 3],
      pads: [1, 0, 1, 0, 1, 0],
    }),
  ]),
  gradientCases("LpPool", [
    lp("odd sizes", [2, 3, 7, 5], { kernel_shape: [3, 2] }),
    lp("windows side by side", [2, 3, 6, 8], { kernel_shape: [2, 2], strides: [2, 2] }),
    lp("p 1", [1, 2, 5, 6], { kernel_shape: [2, 3], p: 1 }),
    lp("p 3, pads", [1, 2, 5, 6], { kernel_shape: [3, 3], p: 3, pads: [1, 1, 1, 1] }),
    lp("p 4, strides", [1, 2, 5, 6], { kernel_shape: [2, 3], p: 4, strides: [2, 2] }),
    lp("ceil_mode", [1, 2, 6, 8], { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1 }),
    lp("dilations", [1, 2, 8, 7], { kernel_shape: [3, 2], dilations: [2, 3] }),
    lp("SAME_LOWER", [1, 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 1], auto_pad: "SAME_LOWER" }),
    lp("one dimension", [2, 3, 11], { kernel_shape: [4], strides: [3] }),
  ]),
  gradientCases("GlobalAveragePool", [
    { name: "odd sizes", inputs: { x: [2, 3, 7, 5] }, definition: averagePool, linear: true },
    { name: "one dimension", inputs: { x: [2, 3, 9] }, definition: averagePool, linear: true },
    { name: "three dimensions", inputs: { x: [2, 3, 3, 2, 5] }, definition: averagePool, linear: true },
  ]),
  gradientCases("GlobalMaxPool", [
    {
      ...largest("odd sizes", [2, 3, 7, 5], {}, { definition: maxPool }),
      kinks: [
        {
          name: "ties: the first",
          at: { x: { dims: [1, 2, 2, 2], values: [0, 3, 3, 1, 0, 0, 0, 0] } },
          expected: { x: [0, 1, 0, 0, 1, 0, 0, 0] },
        },
      ],
    },
    largest("one dimension", [2, 3, 9], {}, { definition: maxPool }),
    largest("three dimensions", [2, 3, 3, 2, 5], {}, { definition: maxPool }),
  ]),
];
