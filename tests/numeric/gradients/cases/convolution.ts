// Gradient cases of convolutions.

import { conv, convTranspose } from "../../../support/definitions/windows.js";
import { type GradientCase, gradientCases } from "../../../support/gradients.js";

type Dims = readonly number[];

/** Of x [N, C, ...] and w [M, C / group, ...], with a bias of M. */
const convolution = (name: string, x: Dims, w: Dims, attributes: GradientCase["attributes"] = {}): GradientCase => ({
  name,
  inputs: { x, w, b: [w[0]!] },
  attributes,
  definition: conv,
});

/** Without a bias: linear in each input. */
const plain = (name: string, x: Dims, w: Dims, attributes: GradientCase["attributes"] = {}): GradientCase => ({
  name,
  inputs: { x, w },
  attributes,
  definition: conv,
  linear: ["x", "w"],
});

/** Of x [N, C, ...] and w [C, M / group, ...]. */
const transposed = (name: string, x: Dims, w: Dims, attributes: GradientCase["attributes"] = {}): GradientCase => ({
  name,
  inputs: { x, w },
  attributes,
  definition: convTranspose,
  linear: ["x", "w"],
});

export const cases = [
  gradientCases("Conv", [
    convolution("odd sizes, bias", [2, 3, 7, 5], [4, 3, 3, 2]),
    plain("pads, as in most networks", [2, 3, 6, 5], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }),
    plain("asymmetric pads", [2, 2, 5, 6], [3, 2, 3, 4], { pads: [0, 2, 1, 1] }),
    plain("pads wider than the kernel", [2, 2, 4, 4], [3, 2, 2, 2], { pads: [3, 2, 2, 4] }),
    plain("strides", [2, 3, 7, 8], [4, 3, 3, 3], { strides: [2, 3], pads: [1, 1, 1, 1] }),
    plain("strides that leave elements out", [2, 3, 9, 8], [2, 3, 3, 2], { strides: [4, 3] }),
    plain("strides wider than the kernel", [1, 2, 8, 9], [2, 2, 1, 2], { strides: [3, 4], pads: [0, 1, 0, 0] }),
    plain("dilations", [2, 3, 8, 7], [2, 3, 3, 2], { dilations: [2, 3], pads: [1, 0, 2, 1] }),
    plain("strides and dilations", [2, 2, 9, 10], [3, 2, 3, 3], {
      strides: [2, 3],
      dilations: [3, 2],
      pads: [1, 1, 1, 1],
    }),
    plain("SAME_UPPER", [2, 2, 7, 6], [3, 2, 4, 3], { auto_pad: "SAME_UPPER", strides: [1, 2] }),
    plain("SAME_LOWER", [2, 2, 7, 6], [3, 2, 4, 3], { auto_pad: "SAME_LOWER", strides: [2, 1] }),
    plain("VALID", [2, 2, 7, 6], [3, 2, 2, 3], { auto_pad: "VALID", kernel_shape: [2, 3], strides: [2, 2] }),
    plain("groups", [2, 4, 5, 6], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
    plain("groups, strides", [2, 6, 7, 6], [3, 2, 3, 2], { group: 3, strides: [2, 2], pads: [1, 0, 1, 0] }),
    plain("depthwise", [2, 5, 6, 7], [5, 1, 3, 3], { group: 5, pads: [1, 1, 1, 1] }),
    plain("depthwise, strides, dilations", [2, 3, 9, 8], [3, 1, 3, 2], {
      group: 3,
      strides: [2, 1],
      dilations: [1, 2],
    }),
    plain("depthwise, two filters a channel", [2, 3, 6, 5], [6, 1, 3, 3], { group: 3, pads: [1, 0, 1, 2] }),
    plain("1x1", [3, 4, 3, 5], [2, 4, 1, 1]),
    plain("1x1, strides, pads", [2, 3, 6, 5], [4, 3, 1, 1], { strides: [2, 3], pads: [1, 0, 0, 2] }),
    plain("1x1, groups", [2, 4, 3, 5], [6, 2, 1, 1], { group: 2 }),
    plain("1x1, depthwise", [2, 4, 3, 5], [4, 1, 1, 1], { group: 4 }),
    plain("one channel, one filter", [3, 1, 5, 5], [1, 1, 3, 3]),
    plain("one dimension", [2, 3, 11], [4, 3, 4], { strides: [2], pads: [2, 1] }),
    plain("one dimension, causal, dilated", [2, 4, 9], [4, 2, 3], { group: 2, dilations: [2], pads: [4, 0] }),
    plain("one dimension, stride 8, wide kernel", [2, 1, 40], [3, 1, 16], { strides: [8] }),
    plain("three dimensions", [2, 2, 4, 5, 3], [3, 2, 2, 3, 2], { pads: [1, 0, 1, 0, 1, 0] }),
    plain("three dimensions, strides, groups", [1, 4, 5, 4, 6], [2, 2, 3, 2, 2], {
      group: 2,
      strides: [2, 1, 3],
      pads: [1, 1, 0, 1, 0, 1],
    }),
    plain("three dimensions, strides, dilations", [1, 2, 6, 5, 6], [2, 2, 2, 2, 3], {
      strides: [2, 2, 1],
      dilations: [2, 1, 2],
    }),
  ]),
  gradientCases("ConvTranspose", [
    {
      ...transposed("odd sizes, bias", [2, 3, 4, 5], [3, 2, 3, 2]),
      inputs: { x: [2, 3, 4, 5], w: [3, 2, 3, 2], b: [2] },
      linear: false,
    },
    transposed("strides, pads", [2, 3, 4, 3], [3, 2, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    transposed("asymmetric pads", [2, 2, 4, 3], [2, 3, 3, 4], { strides: [1, 2], pads: [0, 2, 1, 1] }),
    transposed("output_padding", [2, 3, 4, 3], [3, 2, 3, 3], {
      strides: [2, 3],
      pads: [1, 1, 1, 1],
      output_padding: [1, 2],
    }),
    transposed("output_padding beyond the pads", [1, 2, 3, 3], [2, 2, 2, 2], {
      strides: [3, 3],
      output_padding: [2, 1],
    }),
    transposed("output_shape", [2, 2, 4, 4], [2, 3, 5, 4], { strides: [2, 2], output_shape: [8, 7] }),
    transposed("output_shape, SAME_UPPER", [2, 2, 4, 4], [2, 3, 5, 4], {
      strides: [2, 2],
      output_shape: [8, 9],
      auto_pad: "SAME_UPPER",
    }),
    transposed("SAME_UPPER", [1, 2, 4, 3], [2, 2, 5, 3], { strides: [2, 2], auto_pad: "SAME_UPPER" }),
    transposed("SAME_LOWER", [1, 2, 4, 3], [2, 2, 5, 3], { strides: [2, 2], auto_pad: "SAME_LOWER" }),
    transposed("VALID", [1, 2, 4, 3], [2, 2, 3, 3], { strides: [2, 1], auto_pad: "VALID" }),
    transposed("groups", [2, 4, 3, 4], [4, 3, 3, 2], { group: 2, strides: [2, 1] }),
    transposed("depthwise", [2, 3, 3, 4], [3, 1, 4, 4], { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] }),
    transposed("dilations", [2, 2, 4, 3], [2, 3, 3, 2], { dilations: [2, 3], strides: [2, 1], pads: [1, 0, 0, 1] }),
    transposed("one dimension", [2, 3, 5], [3, 2, 4], { strides: [3], pads: [1, 2] }),
    transposed("three dimensions", [1, 2, 3, 2, 3], [2, 2, 2, 3, 2], { strides: [1, 2, 2], pads: [0, 1, 0, 0, 1, 1] }),
    transposed("1x1", [2, 3, 4, 3], [3, 2, 1, 1]),
  ]),
];
