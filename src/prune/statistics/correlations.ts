// Sums of the products of a layer's inputs (half the Hessian of its squared error), and what follows from them: what removing one
// weight costs, and the weights that make it good.

import { unsupported } from "../../base/errors.js";
import type { Model } from "../../ir/model.js";
import { floats } from "../../kernels/numbers.js";
import { inverseFactor } from "../../statistics/cholesky.js";
import { sumBytes, sumsOver } from "../../statistics/input-sums.js";
import { Multiplier } from "../../statistics/multiply.js";
import { type Product, productOf } from "../../statistics/products.js";
import type { StepContext } from "../../step/step.js";
import type { Layer } from "../scores/layers.js";
import type { Solved, SolveGoal } from "../scores/solve.js";
import { surgeon } from "./obs.js";

/** Share of the mean of the diagonal that is added to it: the paper's. */
const DAMPING = 0.01;
/** Sums of layers that are collected in one pass over the data are kept together up to this many bytes. */
const STAGE_BYTES = 256 * 2 ** 20;

export interface Correlations {
  obstacle(layer: Layer): string | undefined;
  /** For every element its entry on the diagonal of the inverse of the damped Hessian. */
  inverseHessian(name: string): Promise<Float32Array>;
  solve(name: string, goal: SolveGoal): Promise<Solved>;
  release(): Promise<void>;
}

interface Stage {
  readonly layers: ReadonlyMap<string, Product>;
  sums?: ReadonlyMap<string, Float64Array>;
}

export function openCorrelations(
  model: Model,
  layers: readonly Layer[],
  samples: number,
  context: StepContext,
): Correlations {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const products = new Map(layers.map(({ name, weight }) => [name, productOf(model, weight)] as const));
  const stages = stagesOf(products);
  const multiplier = new Multiplier(context);
  const diagonals = new Map<string, readonly Float64Array[]>();
  let current: Stage | undefined;

  /** [groups] of [inputs, inputs]; the sums of one stage at a time are in memory. */
  const grams = async (name: string): Promise<{ product: Product; of: (group: number) => Float64Array }> => {
    const stage = stages.find((one) => one.layers.has(name))!;
    if (current !== stage) {
      if (current) delete current.sums;
      current = stage;
      const sources = [...stage.layers.values()].flatMap((product) => product.sources);
      stage.sums = await sumsOver(model, sources, "gram", samples, context);
    }
    const product = stage.layers.get(name)!;
    const size = product.view.inputs ** 2;
    const parts = product.sources.map(({ key }) => stage.sums!.get(key)!);
    return {
      product,
      of(group) {
        const sum = parts[0]!.slice(group * size, (group + 1) * size);
        for (const part of parts.slice(1)) for (let i = 0; i < size; i++) sum[i] = sum[i]! + part[group * size + i]!;
        return sum;
      },
    };
  };
  const factorOf = async (name: string, gram: Float64Array, order: Int32Array): Promise<Float64Array> => {
    const size = order.length;
    let mean = 0;
    for (let i = 0; i < size; i++) mean += gram[i * size + i]! / size;
    // Nothing ever came in: any weights do.
    if (!(mean > 0)) mean = 1;
    for (let share = DAMPING; share <= 1; share *= 10) {
      const damped = new Float64Array(size * size);
      for (let i = 0; i < size; i++) {
        for (let j = i; j < size; j++) damped[i * size + j] = gram[order[i]! * size + order[j]!]!;
        damped[i * size + i] = damped[i * size + i]! + share * mean;
      }
      if (await inverseFactor(damped, size, multiplier.multiply)) return damped;
    }
    throw unsupported("score-singular", `The inputs of "${name}" have no Hessian that can be inverted.`, {
      node: name,
      hint: "They may hold numbers that are not finite. Take another score, or leave the layer as it is (keep).",
    });
  };

  return {
    obstacle: ({ name }) => {
      const product = products.get(name);
      if (product === undefined) return "nothing was collected for it";
      return "obstacle" in product ? product.obstacle : undefined;
    },
    async inverseHessian(name) {
      const { view } = products.get(name) as Product;
      let found = diagonals.get(name);
      if (found === undefined) {
        const { of } = await grams(name);
        const made: Float64Array[] = [];
        for (let group = 0; group < view.groups; group++) {
          made.push(diagonal(await factorOf(name, of(group), natural(view.inputs)), view.inputs));
        }
        found = made;
        diagonals.set(name, found);
      }
      const all = new Float32Array(byName.get(name)!.weight.elements);
      eachPlace(view, (group, _, input, at) => {
        all[at] = found[group]![input]!;
      });
      return all;
    },
    async solve(name, goal) {
      const { weight } = byName.get(name)!;
      const values = floats(await weight.tensor.data.read(), weight.tensor.dtype).slice();
      const { product, of } = await grams(name);
      const { groups, outputs, inputs, groupStride, outputStride, inputStride } = product.view;
      const window = product.sources[0]!.kernel?.reduce((all, size) => all * size, 1) ?? 1;
      const order = channelsTogether(inputs, window);
      let [lost, whole, gone] = [0, 0, 0];
      for (let group = 0; group < groups; group++) {
        context.signal?.throwIfAborted();
        const gram = of(group);
        const at = (output: number, i: number) => group * groupStride + output * outputStride + order[i]! * inputStride;
        const rows = new Float64Array(outputs * inputs);
        for (let output = 0; output < outputs; output++) {
          for (let i = 0; i < inputs; i++) rows[output * inputs + i] = values[at(output, i)]!;
        }
        const before = rows.slice();
        const factor = await factorOf(name, gram, order);
        const { multiply } = multiplier;
        // Of a share as many as of the whole weight: each group's own would be rounded on its own.
        const size = outputs * inputs;
        const count = "ratio" in goal ? Math.round(goal.ratio * size * (group + 1)) - gone : 0;
        gone += count;
        const own = "ratio" in goal ? { ratio: count / size } : goal;
        await surgeon({ rows, outputs, inputs, factor, goal: own, run: inputs / window, multiply });
        for (let output = 0; output < outputs; output++) {
          for (let i = 0; i < inputs; i++) {
            const from = output * inputs + i;
            values[at(output, i)] = rows[from]!;
            rows[from] = before[from]! - values[at(output, i)]!;
          }
        }
        const ordered = reordered(gram, order);
        lost += await energy(rows, ordered, outputs, inputs, multiply);
        whole += await energy(before, ordered, outputs, inputs, multiply);
      }
      return { values, error: whole > 0 ? lost / whole : 0 };
    },
    release: () => multiplier.release(),
  };
}

/** Layers with the same inputs share them; a stage holds what fits. */
function stagesOf(products: ReadonlyMap<string, Product | { readonly obstacle: string }>): readonly Stage[] {
  const stages: { layers: Map<string, Product>; keys: Set<string>; bytes: number }[] = [];
  for (const [name, product] of products) {
    if ("obstacle" in product) continue;
    const last = stages.at(-1);
    const more = product.sources.filter(({ key }) => last?.keys.has(key) !== true);
    const bytes = more.reduce((sum, source) => sum + sumBytes(source, "gram"), 0);
    const stage =
      last && last.bytes + bytes <= STAGE_BYTES ? last : { layers: new Map(), keys: new Set<string>(), bytes: 0 };
    if (stage !== last) stages.push(stage);
    stage.layers.set(name, product);
    for (const { key } of product.sources) stage.keys.add(key);
    stage.bytes += bytes;
  }
  return stages;
}

const natural = (inputs: number) => Int32Array.from({ length: inputs }, (_, input) => input);

/** Inputs of a convolution stand channel by channel, places of the kernel within: here the channels of one place stand together. */
const channelsTogether = (inputs: number, window: number) =>
  Int32Array.from({ length: inputs }, (_, i) => (i % (inputs / window)) * window + Math.floor(i / (inputs / window)));

function reordered(gram: Float64Array, order: Int32Array): Float64Array {
  const size = order.length;
  const found = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) found[i * size + j] = gram[order[i]! * size + order[j]!]!;
  }
  return found;
}

/** Of U^T U, from U. */
function diagonal(factor: Float64Array, size: number): Float64Array {
  const found = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    for (let i = row; i < size; i++) found[i] = found[i]! + factor[row * size + i]! ** 2;
  }
  return found;
}

function eachPlace(
  { groups, outputs, inputs, groupStride, outputStride, inputStride }: Product["view"],
  visit: (group: number, output: number, input: number, at: number) => void,
): void {
  for (let group = 0; group < groups; group++) {
    for (let output = 0; output < outputs; output++) {
      for (let input = 0; input < inputs; input++) {
        visit(group, output, input, group * groupStride + output * outputStride + input * inputStride);
      }
    }
  }
}

/** The trace of rows gram rows^T: the squared size of what the rows make of the inputs. */
async function energy(
  rows: Float64Array,
  gram: Float64Array,
  outputs: number,
  inputs: number,
  multiply: Multiplier["multiply"],
): Promise<number> {
  const product = await multiply(rows, gram, { m: outputs, k: inputs, n: inputs });
  let sum = 0;
  for (let i = 0; i < rows.length; i++) sum += rows[i]! * product[i]!;
  return Math.max(sum, 0);
}
