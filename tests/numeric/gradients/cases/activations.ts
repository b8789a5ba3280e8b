// Gradient cases of activations.

import { float } from "../../../../src/ir/attributes.js";
import { away, type Definition, erf, gradientCases, perElement } from "../../../support/gradients.js";

const odd = { x: [3, 7] };
const offZero = { x: { dims: [3, 7], draw: away([0]) } };
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const gelu = (x: number) => (x * (1 + erf(x * Math.SQRT1_2))) / 2;
const fastGelu = (x: number) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2;
const mish = (x: number) => x * Math.tanh(Math.log1p(Math.exp(x)));
const leaky = (slope: number) => (x: number) => (x > 0 ? x : Math.fround(slope) * x);
const elu = (alpha: number, gamma = 1) => {
  const [a, g] = [Math.fround(alpha), Math.fround(gamma)];
  return (x: number) => g * (x > 0 ? x : a * Math.expm1(x));
};
const celu = (alpha: number) => (x: number) =>
  Math.max(0, x) + Math.min(0, Math.fround(alpha) * Math.expm1(x / Math.fround(alpha)));
const hardSigmoid = (alpha: number, beta: number) => (x: number) =>
  Math.min(1, Math.max(0, Math.fround(alpha) * x + Math.fround(beta)));
/** A bias along the last axis, then `f`. */
const biased =
  (f: (x: number) => number): Definition =>
  ([x, bias]) => [{ dims: x!.dims, data: x!.data.map((value, i) => f(value + bias!.data[i % bias!.data.length]!)) }];

export const cases = [
  gradientCases("Relu", [
    {
      name: "odd size",
      inputs: offZero,
      kinks: [{ name: "zero", at: { x: [0, -0, 1e-30] }, expected: { x: [0, 0, 1] } }],
    },
    {
      name: "float32",
      inputs: offZero,
      definition: perElement((x) => Math.max(x, 0)),
      kinks: [{ name: "zero", at: { x: [0, -0, 1e-30, -1e-30, 3e38] }, expected: { x: [0, 0, 1, 0, 1] } }],
    },
  ]),
  gradientCases("ThresholdedRelu", [
    {
      name: "default threshold",
      inputs: { x: { dims: [3, 7], draw: away([1]) } },
      definition: perElement((x) => (x > 1 ? x : 0)),
      kinks: [{ name: "threshold", at: { x: [1, 1.25] }, expected: { x: [0, 1] } }],
    },
    {
      name: "negative threshold",
      inputs: { x: { dims: [3, 7], draw: away([-0.5]) } },
      attributes: { alpha: -0.5 },
      definition: perElement((x) => (x > -0.5 ? x : 0)),
      kinks: [{ name: "threshold", at: { x: [-0.5, 0] }, expected: { x: [0, 1] } }],
    },
  ]),
  gradientCases("LeakyRelu", [
    {
      name: "default slope",
      inputs: offZero,
      definition: perElement(leaky(0.01)),
      kinks: [{ name: "zero", at: { x: [0, -0] }, expected: { x: [Math.fround(0.01), Math.fround(0.01)] } }],
    },
    ...[0.2, -0.3, 1.5].map((alpha) => ({
      name: `slope ${alpha}`,
      inputs: offZero,
      attributes: { alpha },
      definition: perElement(leaky(alpha)),
    })),
  ]),
  gradientCases("PRelu", [
    {
      name: "a slope for each channel",
      inputs: { x: { dims: [2, 3, 5], draw: away([0]) }, slope: [3, 1] },
      definition: ([x, slope]) => [
        {
          dims: x!.dims,
          data: x!.data.map((value, i) => (value > 0 ? value : slope!.data[Math.floor(i / 5) % 3]! * value)),
        },
      ],
      kinks: [{ name: "zero", at: { x: [0, -0], slope: [0.25, 0.5] }, expected: { x: [0.25, 0.5], slope: [0, 0] } }],
    },
    {
      name: "one slope for each element",
      inputs: { x: { dims: [3, 5], draw: away([0]) }, slope: [3, 5] },
      definition: ([x, slope]) => [
        { dims: x!.dims, data: x!.data.map((value, i) => (value > 0 ? value : slope!.data[i]! * value)) },
      ],
      sameTwice: false,
    },
  ]),
  gradientCases("Elu", [
    {
      name: "default alpha",
      inputs: offZero,
      definition: perElement(elu(1)),
      kinks: [{ name: "zero", at: { x: [0, -0] }, expected: { x: [1, 1] } }],
    },
    {
      name: "alpha 2",
      inputs: offZero,
      attributes: { alpha: float(2) },
      definition: perElement(elu(2)),
      kinks: [{ name: "zero", at: { x: [0, -0] }, expected: { x: [2, 2] } }],
    },
    { name: "alpha -0.5", inputs: offZero, attributes: { alpha: -0.5 }, definition: perElement(elu(-0.5)) },
  ]),
  gradientCases("Selu", [
    {
      name: "defaults",
      inputs: offZero,
      definition: perElement(elu(1.6732632, 1.050701)),
      kinks: [{ name: "zero", at: { x: [0] }, expected: { x: [1.7580993408473766] } }],
    },
    {
      name: "alpha, gamma",
      inputs: offZero,
      attributes: { alpha: 0.7, gamma: 1.3 },
      definition: perElement(elu(0.7, 1.3)),
    },
  ]),
  gradientCases("Celu", [
    { name: "default alpha", inputs: offZero, definition: perElement(celu(1)) },
    {
      name: "alpha 2",
      inputs: offZero,
      attributes: { alpha: float(2) },
      definition: perElement(celu(2)),
      kinks: [{ name: "zero", at: { x: [0] }, expected: { x: [1] } }],
    },
  ]),
  gradientCases("Gelu", [
    { name: "exact", inputs: odd, opset: 20, definition: perElement(gelu) },
    {
      name: "tanh",
      inputs: odd,
      attributes: { approximate: "tanh" },
      opset: 20,
      definition: perElement(fastGelu),
    },
  ]),
  gradientCases("com.microsoft:Gelu", [{ name: "odd size", inputs: odd, definition: perElement(gelu) }]),
  gradientCases("com.microsoft:BiasGelu", [
    { name: "odd size", inputs: { x: [3, 7], bias: [7] }, definition: biased(gelu) },
  ]),
  gradientCases("com.microsoft:FastGelu", [
    { name: "with bias", inputs: { x: [3, 7], bias: [7] }, definition: biased(fastGelu) },
    { name: "without", inputs: odd, definition: perElement(fastGelu) },
  ]),
  gradientCases("com.microsoft:QuickGelu", [
    { name: "default alpha", inputs: odd, definition: perElement((x) => x * sigmoid(Math.fround(1.702) * x)) },
    {
      name: "alpha",
      inputs: odd,
      attributes: { alpha: 0.7 },
      definition: perElement((x) => x * sigmoid(Math.fround(0.7) * x)),
    },
  ]),
  gradientCases("Swish", [
    { name: "default alpha", inputs: odd, opset: 24, definition: perElement((x) => x * sigmoid(x)) },
    {
      name: "alpha",
      inputs: odd,
      opset: 24,
      attributes: { alpha: 0.7 },
      definition: perElement((x) => x * sigmoid(Math.fround(0.7) * x)),
    },
  ]),
  gradientCases("Mish", [
    {
      name: "odd size",
      inputs: odd,
      definition: perElement(mish),
      kinks: [{ name: "far out", at: { x: [0, 100, -100] }, expected: { x: [0.6, 1, 0] } }],
    },
  ]),
  gradientCases("Tanh", [{ name: "odd size", inputs: odd }]),
  gradientCases("Sigmoid", [{ name: "odd size", inputs: odd }]),
  gradientCases("Softplus", [
    {
      name: "odd size",
      inputs: odd,
      definition: perElement((x) => Math.log1p(Math.exp(x))),
      kinks: [{ name: "far out", at: { x: [0, 100, -100] }, expected: { x: [0.5, 1, 0] } }],
    },
  ]),
  gradientCases("Softsign", [
    { name: "odd size", inputs: offZero, definition: perElement((x) => x / (1 + Math.abs(x))) },
  ]),
  gradientCases("HardSigmoid", [
    {
      name: "defaults",
      inputs: { x: { dims: [3, 7], draw: (random, count) => away([-2.5, 2.5])(random, count).map((x) => 2 * x) } },
      definition: perElement(hardSigmoid(0.2, 0.5)),
      kinks: [{ name: "bounds", at: { x: [-2.5, 2.5] }, expected: { x: [0, 0] } }],
    },
    {
      name: "alpha, beta",
      inputs: { x: { dims: [3, 7], draw: away([0.6 / -0.7, 0.4 / 0.7]) } },
      attributes: { alpha: 0.7, beta: 0.6 },
      definition: perElement(hardSigmoid(0.7, 0.6)),
    },
  ]),
  gradientCases("HardSwish", [
    {
      name: "odd size",
      inputs: { x: { dims: [3, 7], draw: (random, count) => away([-1, 1])(random, count).map((x) => 3 * x) } },
      definition: perElement((x) => x * Math.min(1, Math.max(0, x / 6 + 0.5))),
      kinks: [{ name: "bounds", at: { x: [-3, 3, -4, 4] }, expected: { x: [0, 1, 0, 1] } }],
    },
  ]),
  gradientCases("Clip", [
    {
      name: "two bounds",
      inputs: { x: { dims: [3, 7], draw: away([-1, 0.5]) } },
      constants: { min: -1, max: 0.5 },
      kinks: [{ name: "bounds", at: { x: [-1, 0.5, -2, 2, 0] }, expected: { x: [0, 0, 0, 0, 1] } }],
    },
    {
      name: "from zero, float32",
      inputs: { x: { dims: [3, 7], draw: away([0, 1]) } },
      constants: { min: 0, max: 1 },
      definition: perElement((x) => Math.min(1, Math.max(0, x))),
      kinks: [{ name: "bounds", at: { x: [0, 1, 0.5, -1] }, expected: { x: [0, 0, 1, 0] } }],
    },
    {
      name: "lower bound only",
      inputs: { x: { dims: [3, 7], draw: away([0.25]) } },
      constants: { min: 0.25 },
      kinks: [{ name: "bound", at: { x: [0.25, 0, 1] }, expected: { x: [0, 0, 1] } }],
    },
    {
      name: "upper bound only",
      inputs: { x: { dims: [3, 7], draw: away([0.25]) } },
      order: ["x", "", "max"],
      constants: { max: 0.25 },
    },
    {
      name: "infinite bound",
      inputs: { x: { dims: [3, 7], draw: away([0.25]) } },
      constants: { min: 0.25, max: Number.POSITIVE_INFINITY },
    },
    {
      name: "bounds of no effect, float32",
      inputs: { x: { dims: [3, 7], draw: away([0]) } },
      constants: { min: -3.4028234663852886e38, max: 3.4028234663852886e38 },
      definition: perElement((x) => x),
    },
    { name: "no bounds", inputs: { x: [3, 7] }, linear: true },
    {
      name: "bounds that are weights",
      inputs: {
        x: { dims: [3, 7], draw: away([-0.5, 0.5]) },
        min: { dims: [], values: [-0.5] },
        max: { dims: [], values: [0.5] },
      },
      kinks: [
        {
          name: "beyond the bounds",
          at: { x: [-2, 0, 2, 3], min: { dims: [], values: [-1] }, max: { dims: [], values: [1] } },
          expected: { x: [0, 1, 0, 0], min: [1], max: [2] },
        },
      ],
    },
  ]),
  ...(["Softmax", "LogSoftmax"] as const).map((operator) =>
    gradientCases(operator, [
      { name: "last axis", inputs: { x: [3, 7] } },
      { name: "middle axis", inputs: { x: [2, 5, 3] }, attributes: { axis: 1 } },
      { name: "negative axis", inputs: { x: [2, 5, 3] }, attributes: { axis: -3 } },
    ]),
  ),
];
