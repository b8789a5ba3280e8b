// Gradient cases of arithmetic, element by element.

import { gradientCases } from "../../../support/gradients.js";

export const cases = [
  gradientCases("Add", [
    { name: "one shape", inputs: { a: [2, 5], b: [2, 5] }, linear: true },
    { name: "broadcast", inputs: { a: [3, 1, 5], b: [4, 1] }, linear: true },
  ]),
  gradientCases("Mul", [
    { name: "one shape", inputs: { a: [2, 5], b: [2, 5] }, linear: ["a", "b"] },
    { name: "broadcast", inputs: { a: [3, 1, 5], b: [4, 1] } },
  ]),
];
