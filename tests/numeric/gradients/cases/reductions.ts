// Gradient cases of reductions: axes stated, negative, all, none; kept or not.

import { away, type Draw, distinct, type GradientCase, gradientCases, uniform } from "../../../support/gradients.js";

const positive = uniform(0.3, 2);

/** The forms that every reduction has. */
const forms = (draw: Draw, more: readonly GradientCase[] = []): GradientCase[] => [
  {
    name: "axes, not kept",
    inputs: { x: { dims: [2, 3, 5], draw } },
    constants: { axes: [1] },
    attributes: { keepdims: 0 },
  },
  { name: "negative axes, kept", inputs: { x: { dims: [2, 3, 5], draw } }, constants: { axes: [-1, 0] } },
  { name: "all axes", inputs: { x: { dims: [3, 5], draw } }, attributes: { keepdims: 0 } },
  ...more,
];

/** What the runtime makes of no axes and `noop_with_empty_axes`. */
const noop = (draw: Draw): GradientCase => ({
  name: "nothing to reduce",
  inputs: { x: { dims: [3, 5], draw } },
  attributes: { noop_with_empty_axes: 1 },
});

export const cases = [
  gradientCases(
    "ReduceSum",
    forms(away([]), [noop(away([]))]).map((one) => ({ ...one, linear: true })),
  ),
  gradientCases(
    "ReduceMean",
    forms(away([]), [noop(away([]))]).map((one) => ({ ...one, linear: true })),
  ),
  ...(["ReduceMax", "ReduceMin"] as const).map((operator) =>
    gradientCases(
      operator,
      forms(distinct, [
        noop(distinct),
        {
          name: "ties",
          inputs: { x: { dims: [2, 3], draw: distinct } },
          constants: { axes: [1] },
          kinks: [
            {
              name: "equal elements",
              at: { x: { dims: [2, 3], values: operator === "ReduceMax" ? [1, 1, 0, 2, 2, 2] : [1, 1, 2, 2, 2, 2] } },
              expected: { x: [0.5, 0.5, 0, 1 / 3, 1 / 3, 1 / 3] },
            },
          ],
        },
      ]),
    ),
  ),
  gradientCases(
    "ReduceL1",
    forms(away([0]), [
      noop(away([0])),
      {
        name: "zeros",
        inputs: { x: { dims: [3], draw: away([0]) } },
        kinks: [{ name: "zeros", at: { x: [0, 1, -1] }, expected: { x: [0, 1, -1] } }],
      },
    ]),
  ),
  gradientCases(
    "ReduceL2",
    forms(away([]), [
      noop(away([0])),
      {
        name: "zeros",
        inputs: { x: { dims: [2], draw: away([0]) } },
        kinks: [{ name: "zeros", at: { x: [0, 0] }, expected: { x: [0, 0] } }],
      },
    ]),
  ),
  gradientCases("ReduceSumSquare", forms(away([]), [noop(away([]))])),
  gradientCases("ReduceLogSum", forms(positive, [noop(positive)])),
  gradientCases("ReduceLogSumExp", forms(away([]), [noop(away([]))])),
  gradientCases(
    "ReduceProd",
    forms(away([0]), [
      noop(away([0])),
      {
        name: "a zero in each row",
        inputs: { x: { dims: [2, 3], values: [0, 2, 3, 1, -2, 0] } },
        constants: { axes: [1] },
      },
      {
        name: "several zeros",
        inputs: { x: { dims: [2, 3], values: [0, 0, 3, 1, 2, 3] } },
        constants: { axes: [1] },
        kinks: [
          {
            name: "as PyTorch",
            at: { x: { dims: [3, 3], values: [0, 2, 3, 0, 0, 3, 1, 2, 3] } },
            expected: { x: [6, 0, 0, 0, 0, 0, 6, 3, 2] },
          },
        ],
      },
    ]),
  ),
];
