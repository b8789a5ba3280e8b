// Gradient cases of activations.

import { away, gradientCases } from "../../../support/gradients.js";

export const cases = [
  gradientCases("Relu", [
    {
      name: "odd size",
      inputs: { x: { dims: [3, 7], draw: away([0]) } },
      kinks: [{ name: "zero", at: { x: [0, -0, 1e-30] }, expected: { x: [0, 0, 1] } }],
    },
  ]),
];
