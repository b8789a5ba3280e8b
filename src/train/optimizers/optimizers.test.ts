import { expect, test } from "vitest";
import { engineServices } from "../../../tests/support/engine.js";
import { floats, openStep, scalar } from "../../../tests/support/step-session.js";
import { graphBuilder } from "../../ir/build.js";
import { float32 } from "../../tensor/tensor.js";
import { prepare } from "../prepare.js";
import { buildStep, type StepOptions } from "../step.js";

const x = floats([4, 3], [0.5, -1, 2, 1, 0.25, -0.5, -0.75, 1.5, 0.1, 0.3, -0.2, 0.9]);
const labels = [
  [1, 0],
  [0, 1],
  [0.5, -0.5],
  [-1, 2],
];

function linear() {
  const build = graphBuilder();
  build.input("x", "float32", [4, 3]);
  build.initializer("w", float32([3, 2], [0.1, -0.2, 0.4, 0.3, -0.5, 0.25]));
  build.output(build.node("MatMul", ["x", "w"], { outputs: ["y"] }), "float32", [4, 2]);
  return prepare(build.model(), { feeds: { x } }, engineServices());
}

interface Case extends Omit<StepOptions, "losses"> {
  readonly lr: number;
}

const cases: Readonly<Record<string, Case>> = {
  sgd: { optimizer: { name: "sgd", momentum: 0 }, lr: 0.1 },
  "sgd decay momentum": { optimizer: { name: "sgd" }, lr: 0.1, weightDecay: 0.1 },
  "sgd nesterov": { optimizer: { name: "sgd", momentum: 0.8, nesterov: true }, lr: 0.1, weightDecay: 0.1 },
  adam: { optimizer: { name: "adam" }, lr: 0.05, weightDecay: 0.1 },
  "adam betas": { optimizer: { name: "adam", beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }, lr: 0.05 },
  adamw: { optimizer: { name: "adamw" }, lr: 0.05, weightDecay: 0.1 },
  rmsprop: { optimizer: { name: "rmsprop", alpha: 0.9 }, lr: 0.01, weightDecay: 0.1 },
  "rmsprop momentum": { optimizer: { name: "rmsprop", momentum: 0.9, epsilon: 1e-6 }, lr: 0.01 },
  lion: { optimizer: { name: "lion" }, lr: 0.02, weightDecay: 0.1 },
  "clip norm": { optimizer: { name: "sgd", momentum: 0 }, lr: 0.1, clipNorm: 0.5 },
  "clip value": { optimizer: { name: "sgd", momentum: 0 }, lr: 0.1, clipValue: 0.2 },
};

/** Weights after the first and the fifth update, the norm of the fifth gradient: PyTorch 2.15 in float64; Lion after its paper. */
const torch: Readonly<Record<string, { first: number[]; last: number[]; norm: number }>> = {
  sgd: {
    first: [0.1139063, -0.1346938, 0.341875, 0.25865, -0.3880625, 0.2692],
    last: [0.1311702, 0.08268545, 0.2044456, 0.1518952, -0.08911291, 0.2988767],
    norm: 0.8130437,
  },
  "sgd decay momentum": {
    first: [0.1129062, -0.1326937, 0.337875, 0.25565, -0.3830625, 0.2667],
    last: [0.1404527, 0.5233105, -0.08434419, -0.08077447, 0.5135536, 0.3196003],
    norm: 0.4500198,
  },
  "sgd nesterov": {
    first: [0.1232313, -0.07884875, 0.288175, 0.22017, -0.2895125, 0.28006],
    last: [0.09233492, 0.4979374, 0.019633, -0.01676491, 0.358757, 0.2671702],
    norm: 0.3660816,
  },
  adam: {
    first: [0.15, -0.15, 0.35, 0.25, -0.45, 0.3],
    last: [0.274402, 0.04722038, 0.1575045, 0.06323113, -0.2532679, 0.3655695],
    norm: 0.9192489,
  },
  "adam betas": {
    first: [0.149643, -0.1500764, 0.3500859, 0.2501206, -0.4500446, 0.2997409],
    last: [0.2853033, 0.04593552, 0.1607448, 0.06853485, -0.2548448, 0.3837356],
    norm: 0.9211549,
  },
  adamw: {
    first: [0.1495, -0.149, 0.348, 0.2485, -0.4475, 0.29875],
    last: [0.2902278, 0.04987057, 0.150691, 0.05940747, -0.2435342, 0.3910656],
    norm: 0.9030647,
  },
  rmsprop: {
    first: [0.1316228, -0.1683772, 0.3683772, 0.2683772, -0.4683772, 0.2816228],
    last: [0.1828844, -0.09668819, 0.2996612, 0.2021559, -0.3970779, 0.3183256],
    norm: 1.221489,
  },
  "rmsprop momentum": {
    first: [0.1999928, -0.1000015, 0.3000017, 0.2000024, -0.4000009, 0.3499948],
    last: [0.2320557, 0.6219879, -0.2094928, -0.1879423, 0.274951, 0.2436355],
    norm: 0.5845988,
  },
  "clip norm": {
    first: [0.1046411, -0.1782047, 0.3806014, 0.2861999, -0.4626421, 0.2564078],
    last: [0.119891, -0.08471319, 0.3063721, 0.2318349, -0.3141122, 0.2783575],
    norm: 1.20011,
  },
  "clip value": {
    first: [0.1139063, -0.18, 0.38, 0.28, -0.48, 0.2692],
    last: [0.1530689, -0.1, 0.3, 0.2, -0.4, 0.3120027],
    norm: 1.251775,
  },
  lion: {
    first: [0.1198, -0.1796, 0.3792, 0.2794, -0.479, 0.2695],
    last: [0.1986048, -0.09840718, 0.2964152, 0.1974112, -0.3954192, 0.3471108],
    norm: 1.228647,
  },
};

test.each(Object.keys(cases))("%s steps as PyTorch does", async (name) => {
  const { lr, ...options } = cases[name]!;
  const session = await openStep(buildStep(await linear(), { losses: [{ loss: "mean-squared" }], ...options }));
  const { first, last, norm } = torch[name]!;
  const near = (expected: readonly number[]) => {
    for (const [i, value] of session.weights().w!.entries()) expect(value, `weight ${i}`).toBeCloseTo(expected[i]!, 5);
  };
  await session.run({ feeds: { x }, labels, lr });
  near(first);
  for (let i = 0; i < 3; i++) await session.run({ feeds: { x }, labels, lr });
  const results = await session.run({ feeds: { x }, labels, lr });
  near(last);
  expect(scalar(results.gradient_norm)).toBeCloseTo(norm, 5);
  expect(scalar(results.finite)).toBe(1);
  await session.release();
});
