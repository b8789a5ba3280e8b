// Gradient cases of reductions.

import { gradientCases } from "../../../support/gradients.js";

export const cases = [
  gradientCases("ReduceSum", [
    { name: "axes, kept", inputs: { x: [2, 3, 5] }, constants: { axes: [-1, 0] }, linear: true },
    {
      name: "axes, not kept",
      inputs: { x: [2, 3, 5] },
      constants: { axes: [1] },
      attributes: { keepdims: 0 },
      linear: true,
    },
  ]),
];
