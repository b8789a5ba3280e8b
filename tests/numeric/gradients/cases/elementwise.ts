// Gradient cases of arithmetic, element by element.

import { away, distinct, erf, gradientCases, perElement, uniform } from "../../../support/gradients.js";

const positive = uniform(0.3, 2);
const within = uniform(-0.9, 0.9);

export const cases = [
  gradientCases("Add", [
    { name: "one shape", inputs: { a: [2, 5], b: [2, 5] }, linear: true },
    { name: "broadcast", inputs: { a: [3, 1, 5], b: [4, 1] }, linear: true },
  ]),
  gradientCases("Sub", [
    { name: "one shape", inputs: { a: [2, 5], b: [2, 5] }, linear: true },
    { name: "broadcast", inputs: { a: [3, 1, 5], b: [4, 1] }, linear: true },
    { name: "scalar", inputs: { a: [], b: [3] }, linear: true },
  ]),
  gradientCases("Mul", [
    { name: "one shape", inputs: { a: [2, 5], b: [2, 5] }, linear: ["a", "b"] },
    { name: "broadcast", inputs: { a: [3, 1, 5], b: [4, 1] } },
  ]),
  gradientCases("Div", [
    { name: "one shape", inputs: { a: [2, 5], b: { dims: [2, 5], draw: away([0], 0.3) } }, linear: ["a"] },
    { name: "broadcast", inputs: { a: [3, 1, 5], b: { dims: [4, 1], draw: away([0], 0.3) } } },
  ]),
  gradientCases("Neg", [{ name: "odd size", inputs: { x: [3, 7] }, linear: true }]),
  gradientCases("Abs", [
    {
      name: "odd size",
      inputs: { x: { dims: [3, 7], draw: away([0]) } },
      kinks: [{ name: "zero", at: { x: [0, -0, 1e-30, -2] }, expected: { x: [0, 0, 1, -1] } }],
    },
  ]),
  gradientCases("Pow", [
    {
      name: "computed exponents",
      inputs: { x: { dims: [2, 5], draw: positive }, b: { dims: [2, 5], draw: away([]) } },
    },
    { name: "broadcast", inputs: { x: { dims: [3, 1, 5], draw: positive }, b: { dims: [4, 1], draw: away([]) } } },
    ...[0, 1, 2, 3, 4].map((exponent) => ({
      name: `exponent ${exponent}`,
      inputs: { x: [3, 5] },
      constants: { b: exponent },
      kinks: [{ name: "zero", at: { x: [0] }, expected: { x: [exponent === 1 ? 1 : 0] } }],
    })),
    ...[0.5, 2.5, -1, -1.5].map((exponent) => ({
      name: `exponent ${exponent}`,
      inputs: { x: { dims: [3, 5], draw: positive } },
      constants: { b: exponent },
    })),
    { name: "integer exponents", inputs: { x: [3, 2] }, constants: { b: [2, 3] } },
    {
      name: "exponents of 0",
      inputs: { x: { dims: [4], draw: positive }, b: { dims: [4], draw: positive } },
      kinks: [
        {
          name: "x or b of 0",
          at: { x: [0, 0, 2, 0], b: [0, 2, 0, 1] },
          expected: { x: [0, 0, 0, 1], b: [0, 0, Math.LN2, 0] },
        },
      ],
    },
  ]),
  gradientCases("Sqrt", [{ name: "odd size", inputs: { x: { dims: [3, 7], draw: positive } } }]),
  gradientCases("Reciprocal", [{ name: "odd size", inputs: { x: { dims: [3, 7], draw: away([0], 0.3) } } }]),
  gradientCases("Exp", [{ name: "odd size", inputs: { x: [3, 7] } }]),
  gradientCases("Log", [{ name: "odd size", inputs: { x: { dims: [3, 7], draw: positive } } }]),
  gradientCases("Erf", [{ name: "odd size", inputs: { x: [3, 7] }, definition: perElement(erf) }]),
  gradientCases("Sin", [{ name: "odd size", inputs: { x: [3, 7] }, definition: perElement(Math.sin) }]),
  ...(["Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh"] as const).map((operator) =>
    gradientCases(operator, [
      { name: "odd size", inputs: { x: { dims: [3, 7], draw: within } }, definition: perElement(function_(operator)) },
    ]),
  ),
  ...(["Asin", "Acos", "Atanh"] as const).map((operator) =>
    gradientCases(operator, [
      { name: "odd size", inputs: { x: { dims: [3, 7], draw: within } }, definition: perElement(function_(operator)) },
    ]),
  ),
  gradientCases("Acosh", [
    { name: "odd size", inputs: { x: { dims: [3, 7], draw: uniform(1.2, 3) } }, definition: perElement(Math.acosh) },
  ]),
  ...(["Max", "Min"] as const).map((operator) =>
    gradientCases(operator, [
      {
        name: "one shape",
        inputs: { a: { dims: [2, 5], draw: away([0]) }, b: { dims: [2, 5], draw: distinct } },
        sameTwice: false,
        kinks: [
          {
            name: "equal operands",
            at: { a: [1, 2, 0], b: [1, 1, 3] },
            expected: operator === "Max" ? { a: [0.5, 1, 0], b: [0.5, 0, 1] } : { a: [0.5, 0, 1], b: [0.5, 1, 0] },
          },
        ],
      },
      { name: "broadcast", inputs: { a: [3, 1, 5], b: [4, 1] } },
      { name: "one operand", inputs: { a: [3] } },
      {
        name: "three operands",
        inputs: { a: [3, 5], b: [5], c: [3, 1] },
        kinks: [
          {
            name: "equal operands",
            at: { a: [1, 2], b: [1, 2], c: operator === "Max" ? [1, 0] : [1, 3] },
            expected: { a: [1 / 3, 0.5], b: [1 / 3, 0.5], c: [1 / 3, 0] },
          },
        ],
      },
      {
        name: "float32",
        dtype: "float32",
        definition: ([a, b]) => [
          { dims: a!.dims, data: a!.data.map((x, i) => (operator === "Max" ? Math.max : Math.min)(x, b!.data[i]!)) },
        ],
        inputs: { a: { dims: [7], draw: distinct }, b: { dims: [7], draw: away([]) } },
        kinks: [
          {
            name: "equal operands",
            at: { a: [1, 1], b: [1, 2] },
            expected: operator === "Max" ? { a: [0.5, 0], b: [0.5, 1] } : { a: [0.5, 1], b: [0.5, 0] },
          },
        ],
      },
    ]),
  ),
  ...(["Sum", "Mean"] as const).map((operator) =>
    gradientCases(operator, [
      // The runtime's Mean is float32.
      { name: "three operands, broadcast", inputs: { a: [3, 1, 5], b: [4, 1], c: [] }, dtype: "float32", linear: true },
      { name: "one operand", inputs: { a: [3] }, dtype: "float32", linear: true },
    ]),
  ),
  gradientCases("Where", [
    {
      name: "one shape",
      order: ["condition", "a", "b"],
      constants: { condition: { dims: [2, 3], values: [1, 0, 0, 1, 1, 0], dtype: "bool" } },
      inputs: { a: [2, 3], b: [2, 3] },
      linear: true,
    },
    {
      name: "broadcast",
      order: ["condition", "a", "b"],
      constants: { condition: { dims: [3, 1, 1], values: [1, 0, 1], dtype: "bool" } },
      inputs: { a: [4, 1], b: [5] },
      linear: true,
    },
  ]),
  gradientCases("Cast", [
    { name: "to float64", inputs: { x: [3, 5] }, dtype: "float32", attributes: { to: 11 }, linear: true },
    { name: "to the same type", inputs: { x: [3, 5] }, attributes: { to: 11 }, linear: true },
    { name: "to float16", inputs: { x: [3, 5] }, dtype: "float32", attributes: { to: 10 }, tolerance: 1e-3 },
  ]),
  gradientCases("CastLike", [
    {
      name: "the type of a constant",
      inputs: { x: [3, 5] },
      dtype: "float32",
      constants: { like: { dims: [1], values: [0], dtype: "float64" } },
      linear: true,
    },
  ]),
  gradientCases("Identity", [{ name: "odd size", inputs: { x: [3, 7] }, linear: true }]),
  gradientCases("Dropout", [
    { name: "inference", inputs: { x: [3, 7] }, constants: { ratio: 0.3 }, attributes: { seed: 3 }, linear: true },
    { name: "no ratio", inputs: { x: [3, 7] }, linear: true },
    {
      name: "training, nothing dropped",
      inputs: { x: [3, 7] },
      constants: { ratio: 0, training: { dims: [], values: [1], dtype: "bool" } },
      outputs: 2,
      linear: true,
    },
  ]),
  gradientCases("CumSum", [
    {
      name: "first axis",
      inputs: { x: [3, 5] },
      constants: { axis: { dims: [], values: [0], dtype: "int64" } },
      linear: true,
    },
    ...(
      [
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const
    ).map(([exclusive, reverse]) => ({
      name: `exclusive ${exclusive}, reverse ${reverse}`,
      inputs: { x: [3, 5, 2] },
      constants: { axis: { dims: [], values: [-2], dtype: "int64" as const } },
      attributes: { exclusive, reverse },
      linear: true,
    })),
  ]),
  gradientCases("Trilu", [
    { name: "upper", inputs: { x: [2, 3, 5] }, linear: true },
    {
      name: "lower, k",
      inputs: { x: [5, 4] },
      constants: { k: { dims: [], values: [-1], dtype: "int64" } },
      attributes: { upper: 0 },
      linear: true,
    },
    {
      name: "upper, k",
      inputs: { x: [3, 5] },
      constants: { k: { dims: [], values: [1], dtype: "int64" } },
      attributes: { upper: 1 },
      linear: true,
    },
  ]),
];

function function_(operator: string): (x: number) => number {
  return Math[operator.toLowerCase() as "cos"];
}
