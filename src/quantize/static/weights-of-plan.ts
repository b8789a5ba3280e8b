// The integer weights, biases and scalars of a plan, each made once for those that share it.

import type { Initializer, Node } from "../../ir/model.js";
import { floats } from "../../kernels/numbers.js";
import type { StepContext } from "../../step/step.js";
import { elementCount } from "../../tensor/dtype.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import { matrixOrder } from "../../weights/views.js";
import type { ActivationType, Settings } from "../options.js";
import { type ActivationGrid, activationGrid } from "./activation-grid.js";
import { UNBOUNDED } from "./activation-tail.js";
import type { SeenWeight } from "./graph-facts.js";
import { type BiasOf, type IntegerWeight, integerBias, integerWeight, type WeightForm } from "./integer-weight.js";
import type { WeightInput } from "./operators/index.js";
import type { DetailedPlan } from "./plan.js";

export interface MadeWeight {
  readonly source: string;
  readonly weight: IntegerWeight;
  /** Whether the dequantized weight takes its name: nobody else reads it. */
  readonly named: boolean;
}

export interface MadeBias {
  readonly source: string;
  readonly named: boolean;
  readonly codes: Tensor;
  readonly scales: Tensor;
}

export interface Weights {
  readonly byNode: ReadonlyMap<Node, MadeWeight>;
  readonly biases: ReadonlyMap<Node, MadeBias>;
  /** Constants of one number among activations. */
  readonly scalars: ReadonlyMap<string, { readonly grid: ActivationGrid; readonly codes: Tensor }>;
}

/** Reads each weight once, one at a time. */
export async function weightsOfPlan(
  plan: DetailedPlan,
  grids: ReadonlyMap<string, ActivationGrid>,
  settings: Settings,
  context: Pick<StepContext, "target" | "signal" | "onProgress">,
): Promise<Weights> {
  const { facts, islands } = plan;
  const form = formOf(settings, context);
  const shared = new Map<string, { seen: SeenWeight; input: WeightInput; nodes: Node[] }>();
  for (const { node, use } of islands.clusters.values()) {
    if (!use.weight) continue;
    const seen = facts.weight(node, use.weight.input)!;
    const turned = seen.consumer.path.length > 0 && matrixOrder(seen.consumer.view) === "columns";
    const key = JSON.stringify([seen.weight.name, use.weight.axis, use.weight.along, turned]);
    const entry = shared.get(key) ?? { seen, input: use.weight, nodes: [] };
    entry.nodes.push(node);
    shared.set(key, entry);
  }
  const byNode = new Map<Node, MadeWeight>();
  const biases = new Map<Node, MadeBias>();
  let done = 0;
  for (const { seen, input, nodes } of shared.values()) {
    context.signal?.throwIfAborted();
    context.onProgress?.({ task: "quantize weights", done: done++, total: shared.size });
    const given = new Map<Node, BiasOf & { readonly source: string }>();
    for (const node of nodes) {
      const { use } = islands.clusters.get(node)!;
      const source = use.bias === undefined ? "" : node.inputs[use.bias]!;
      if (source === "") continue;
      const activationScale = grids.get(node.inputs[use.activations[0]!]!)!.scale;
      given.set(node, { source, bias: await biasOf(facts.constant(source)!), activationScale });
    }
    const weight = await integerWeight(seen, input, form, [...given.values()]);
    const { name, consumers } = seen.weight;
    const direct = seen.consumer.path.length === 0;
    const named =
      direct && consumers.every(({ node }) => node !== undefined && nodes.includes(node)) && !facts.isOutput(name);
    const made: MadeWeight = { source: name, weight, named };
    for (const node of nodes) {
      byNode.set(node, made);
      const bias = given.get(node);
      if (!bias) continue;
      const readers = facts.consumers(bias.source);
      biases.set(node, {
        source: bias.source,
        named: readers.length === 1 && !facts.isOutput(bias.source),
        ...integerBias(bias, weight),
      });
    }
  }
  return { byNode, biases, scalars: scalarsOf(plan, settings.activations as ActivationType) };
}

function formOf(settings: Settings, { target }: Pick<StepContext, "target">): WeightForm {
  const { range, percentile, rangeSteps, format } = settings;
  return {
    dtype: format.low < 0 ? "int8" : "uint8",
    perChannel: settings.granularity !== "tensor",
    saturates: mayPairsSaturate(settings, target),
    range: range as WeightForm["range"],
    percentile,
    rangeSteps,
  };
}

/** Whether int8 weights must be such that no pair of products saturates. 16-bit activations have no such kernel. */
export const mayPairsSaturate = (settings: Settings, target: StepContext["target"]): boolean =>
  settings.format.low < 0 && !settings.activations.endsWith("16") && (settings.reduceRange ?? target.saturates);

async function biasOf(value: Initializer): Promise<Float32Array> {
  if (value.sparse !== undefined) return new Float32Array(elementCount(value.dims));
  return floats(await value.data.read(), value.dtype === "float16" ? "float16" : "float32");
}

function scalarsOf({ facts, islands }: DetailedPlan, dtype: ActivationType): Weights["scalars"] {
  const made = new Map<string, { grid: ActivationGrid; codes: Tensor }>();
  for (const { node, use } of islands.clusters.values()) {
    for (const at of use.activations) {
      const name = node.inputs[at]!;
      const constant = facts.constant(name);
      if (constant === undefined || made.has(name)) continue;
      const [value = 0] = facts.numbers(name)!;
      // One number and 0: the last code (or the first, of a negative one) stands for it, as exactly as a float can.
      const grid = activationGrid(dtype, { low: value, high: value }, UNBOUNDED);
      const code = value === 0 ? grid.zeroPoint : Math.round(value / grid.scale) + grid.zeroPoint;
      made.set(name, { grid, codes: tensor(dtype, constant.dims, ARRAYS[dtype].of(code)) });
    }
  }
  return made;
}

const ARRAYS = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array };
