// Gradient cases of operators that normalise.

import { float } from "../../../../src/ir/attributes.js";
import {
  groupNorm,
  instanceNorm,
  layerNorm,
  lrn,
  rmsNorm,
  skipLayerNorm,
  skipRmsNorm,
} from "../../../support/definitions/normalisation.js";
import { type GradientCase, gradientCases, uniform } from "../../../support/gradients.js";

type Dims = readonly number[];
type More = Partial<GradientCase>;

const positive = (dims: Dims) => ({ dims, draw: uniform(0.5, 2) });

const batch = (name: string, x: Dims, more: More = {}): GradientCase => {
  const channels = [x[1]!];
  const inputs = { x, scale: channels, bias: channels, mean: channels, variance: positive(channels) };
  return { name, inputs, sameTwice: false, ...more };
};

/** The statistics are the batch's: `mean` and `variance` are running ones, of no part in the result. */
const training = (name: string, x: Dims, more: More = {}): GradientCase =>
  batch(name, x, { loss: [0], outputs: 3, wrt: ["x", "scale", "bias"], ...more });

const layer = (name: string, x: Dims, axis: number, more: More = {}): GradientCase => {
  const own = x.slice(axis);
  return { name, inputs: { x, scale: own, bias: own }, attributes: { axis }, ...more };
};

const rms = (name: string, x: Dims, axis: number, more: More = {}): GradientCase => ({
  name,
  inputs: { x, scale: x.slice(axis) },
  attributes: { axis },
  definition: rmsNorm,
  ...more,
});

export const cases = [
  gradientCases("BatchNormalization", [
    batch("odd sizes", [3, 4, 5, 3]),
    batch("epsilon", [2, 3, 4], { attributes: { epsilon: 0.1 } }),
    batch("rows of features", [5, 3]),
    batch("three dimensions", [2, 3, 2, 3, 2]),
    training("training, statistics as results", [3, 4, 5, 3], { attributes: { training_mode: 1, momentum: float(0) } }),
    training("training, momentum", [3, 4, 5, 3], { attributes: { training_mode: 1, momentum: 0.8, epsilon: 0.01 } }),
    training("training, rows of features", [7, 3], { attributes: { training_mode: 1, momentum: float(0) } }),
  ]),
  gradientCases("LayerNormalization", [
    layer("odd size", [3, 5, 7], -1),
    layer("two axes", [3, 5, 7], 1),
    layer("all axes", [3, 4], 0),
    layer("no bias", [3, 5, 7], -1, { inputs: { x: [3, 5, 7], scale: [7] } }),
    layer("epsilon", [4, 5], -1, { attributes: { axis: -1, epsilon: 0.1 } }),
    layer("its statistics as results", [3, 5, 7], 1, { outputs: 3, definition: layerNorm }),
    layer("a statistic alone", [4, 5], -1, { outputs: 3, loss: [2], wrt: ["x"], definition: layerNorm }),
  ]),
  gradientCases("RMSNormalization", [
    rms("odd size", [3, 5, 7], -1, { opset: 23 }),
    rms("two axes", [3, 5, 7], -2, { opset: 23 }),
    rms("epsilon", [4, 5], -1, { opset: 23, attributes: { axis: -1, epsilon: 0.1 } }),
  ]),
  gradientCases("SimplifiedLayerNormalization", [
    rms("odd size", [3, 5, 7], -1),
    rms("epsilon", [4, 5], -1, { attributes: { axis: -1, epsilon: 0.1 } }),
  ]),
  gradientCases("com.microsoft:SkipLayerNormalization", [
    {
      name: "beta, bias",
      inputs: { x: [2, 3, 5], skip: [2, 3, 5], gamma: [5], beta: [5], bias: [5] },
      attributes: { epsilon: 1e-5 },
      definition: skipLayerNorm,
    },
    {
      name: "gamma only, epsilon",
      inputs: { x: [2, 3, 7], skip: [2, 3, 7], gamma: [7] },
      attributes: { epsilon: 0.1 },
      definition: skipLayerNorm,
    },
    {
      name: "skip broadcast, bias without beta",
      inputs: { x: [2, 3, 5], skip: [1, 3, 5], gamma: [5], bias: [5] },
      order: ["x", "skip", "gamma", "", "bias"],
      attributes: { epsilon: 1e-5 },
      definition: skipLayerNorm,
    },
  ]),
  gradientCases("com.microsoft:SkipSimplifiedLayerNormalization", [
    {
      name: "bias",
      inputs: { x: [2, 3, 5], skip: [2, 3, 5], gamma: [5], bias: [5] },
      attributes: { epsilon: 1e-5 },
      definition: skipRmsNorm,
    },
    {
      name: "gamma only, skip broadcast, epsilon",
      inputs: { x: [2, 3, 7], skip: [3, 7], gamma: [7] },
      attributes: { epsilon: 0.1 },
      definition: skipRmsNorm,
    },
  ]),
  gradientCases("InstanceNormalization", [
    { name: "odd sizes", inputs: { x: [2, 3, 5, 3], scale: [3], bias: [3] }, definition: instanceNorm },
    {
      name: "epsilon, one dimension",
      inputs: { x: [2, 3, 7], scale: [3], bias: [3] },
      attributes: { epsilon: 0.1 },
      definition: instanceNorm,
    },
    { name: "three dimensions", inputs: { x: [1, 2, 3, 2, 3], scale: [2], bias: [2] }, definition: instanceNorm },
  ]),
  gradientCases("GroupNormalization", [
    {
      name: "odd sizes",
      inputs: { x: [2, 6, 3, 5], scale: [6], bias: [6] },
      attributes: { num_groups: 3 },
      definition: groupNorm,
    },
    {
      name: "one group, epsilon",
      inputs: { x: [3, 4, 5], scale: [4], bias: [4] },
      attributes: { num_groups: 1, epsilon: 0.1 },
      definition: groupNorm,
    },
  ]),
  gradientCases("LRN", [
    { name: "odd size", inputs: { x: [2, 7, 3, 2] }, attributes: { size: 3, alpha: 0.5 }, definition: lrn },
    {
      name: "all attributes",
      inputs: { x: [1, 6, 2, 3] },
      attributes: { size: 5, alpha: 0.9, beta: 0.6, bias: float(2) },
      definition: lrn,
    },
    {
      name: "wider than the channels",
      inputs: { x: [2, 3, 5, 1] },
      attributes: { size: 9, alpha: 0.9 },
      definition: lrn,
    },
  ]),
];
