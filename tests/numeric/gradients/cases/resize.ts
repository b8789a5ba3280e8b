// Gradient cases of Resize. It is linear, so unit steps from zero give the kernel's own weights, exactly, in float32: no
// definition beside the kernel is needed.

import { float } from "../../../../src/ir/attributes.js";
import { type GradientCase, gradientCases } from "../../../support/gradients.js";

const resize = (
  name: string,
  x: number[],
  how: { scales?: number[]; sizes?: number[] },
  attributes = {},
): GradientCase => ({
  name: `${name}: ${how.scales === undefined ? `to ${how.sizes}` : `by ${how.scales}`}`,
  inputs: { x },
  constants:
    how.scales === undefined
      ? { sizes: how.sizes! }
      : { scales: { dims: [how.scales.length], values: how.scales, dtype: "float32" } },
  order: how.scales === undefined ? ["x", "", "", "sizes"] : ["x", "", "scales"],
  attributes,
  dtype: "float32",
  linear: true,
});

const nearest = (coordinates: string, mode: string) => ({
  mode: "nearest",
  coordinate_transformation_mode: coordinates,
  nearest_mode: mode,
});
const linear = (coordinates: string) => ({ mode: "linear", coordinate_transformation_mode: coordinates });

const COORDINATES = ["half_pixel", "asymmetric", "pytorch_half_pixel", "align_corners", "half_pixel_symmetric"];
const MODES = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

export const cases = [
  gradientCases("Resize", [
    resize("nearest twice", [1, 2, 3, 2], { scales: [1, 1, 2, 2] }, nearest("asymmetric", "floor")),
    resize("default attributes", [1, 1, 3, 5], { sizes: [1, 1, 5, 4] }),
    ...[...COORDINATES, "tf_half_pixel_for_nn"].flatMap((coordinates) =>
      MODES.flatMap((mode) => [
        resize(`${coordinates}, ${mode}`, [1, 1, 3, 7], { sizes: [1, 1, 8, 4] }, nearest(coordinates, mode)),
        resize(`${coordinates}, ${mode}`, [1, 1, 4, 5], { scales: [1, 1, 1.6, 0.7] }, nearest(coordinates, mode)),
        resize(`${coordinates}, ${mode}`, [1, 1, 2, 4], { scales: [1, 1, 3, 0.5] }, nearest(coordinates, mode)),
      ]),
    ),
    ...COORDINATES.flatMap((coordinates) => [
      resize(`linear, ${coordinates}`, [1, 2, 3, 7], { sizes: [1, 2, 8, 4] }, linear(coordinates)),
      resize(`linear, ${coordinates}`, [2, 1, 4, 5], { scales: [1, 1, 1.6, 0.7] }, linear(coordinates)),
      resize(`linear, ${coordinates}`, [1, 1, 2, 4], { scales: [1, 1, 2, 2] }, linear(coordinates)),
    ]),
    resize("linear to one", [1, 1, 4, 5], { sizes: [1, 1, 1, 1] }, linear("align_corners")),
    resize("axes", [1, 1, 3, 4], { scales: [2, 1.5] }, { ...linear("half_pixel"), axes: [2, 3] }),
    resize("axes, nearest", [2, 3, 4], { scales: [2] }, { ...nearest("half_pixel", "floor"), axes: [-1] }),
    resize("three axes", [1, 1, 2, 3, 2], { scales: [1, 1, 2, 1.5, 2] }, linear("half_pixel")),
    resize(
      "cubic coefficient given and not used",
      [1, 1, 3, 3],
      { scales: [1, 1, 2, 2] },
      {
        ...linear("pytorch_half_pixel"),
        cubic_coeff_a: float(-0.5),
      },
    ),
  ]),
];
