// The correction that follows from the weights: error of the weight times the mean of what it is multiplied by.

import { run } from "../../../engine/run.js";
import type { Graph, Model, Node } from "../../../ir/model.js";
import { producers } from "../../../ir/traverse.js";
import { passes } from "../../../passes/index.js";
import { prepare } from "../../prepare.js";
import { layoutOf } from "../channels/layers.js";
import { floatPieces } from "../channels/magnitudes.js";
import type { Given } from "../repair.js";
import type { BiasedLayer } from "./layers.js";
import { calibrationFeeds, Means, type Watched } from "./means.js";
import { type Corrected, SAMPLES } from "./measured.js";

/**
 * For each layer minus the sum over its inputs of (rounded - float) weight times the mean of the input, by output channel; or why it
 * cannot be had. Edges that a Conv pads are taken as inner places. One weight in memory at a time; the float model runs once.
 */
export async function analyticCorrections(
  { model, original, context }: Given,
  layers: readonly Corrected[],
): Promise<(Float64Array | string)[]> {
  const plain = await prepare(original);
  const folded = await passes.get("fold-batch-norm").apply(plain, context);
  // Whether the scheme folded a normalization into a layer, the name of what the layer gives tells.
  const made = producers(plain.graph);
  const floatOf = ({ value }: BiasedLayer) =>
    made.get(value)?.opType === "BatchNormalization" ? folded.model.graph : plain.graph;
  const makers = producers(model.graph);
  const inputs = layers.map(
    ({ layer, rank }): Watched => ({
      name: floatInput(layer.product, makers),
      rank,
      axis: layer.axis,
    }),
  );
  const places = [...layers.keys()];
  const means = await Means.open(plain, inputs, places, context, calibrationFeeds(context, SAMPLES));
  const mean = await means.of(places).finally(() => means.release());
  const found: (Float64Array | string)[] = [];
  for (const [at, { layer }] of layers.entries()) {
    context.signal?.throwIfAborted();
    found.push(await correction(layer.product, { float: floatOf(layer), model, makers }, mean[at]!, context));
  }
  return found;
}

interface Models {
  readonly float: Graph;
  readonly model: Model;
  readonly makers: ReadonlyMap<string, Node>;
}

/** What the float model calls the input of a layer. */
function floatInput(node: Node, makers: ReadonlyMap<string, Node>): string {
  const [name = ""] = node.inputs;
  const quantize = makers.get(makers.get(name)?.inputs[0] ?? "");
  // A dequantized value has the name of the float one, or where that stays visible, one of its own.
  return makers.get(name)?.opType === "DequantizeLinear" && name.endsWith("_dequantized") && quantize
    ? quantize.inputs[0]!
    : name;
}

async function correction(
  node: Node,
  { float, model, makers }: Models,
  mean: Float64Array,
  context: Given["context"],
): Promise<Float64Array | string> {
  const name = node.inputs[1] ?? "";
  const weight = float.initializers.get(name);
  if (weight === undefined || weight.sparse || node.domain !== "")
    return "its weight is packed: use biasCorrection empirical";
  if (weight.dtype !== "float32") return `its weight was ${weight.dtype}`;
  const layout = layoutOf(node, weight.dims);
  if (typeof layout === "string") return layout;
  if (layout.inputs !== mean.length) return "its input has other channels than its weight";
  // A float weight over rounded inputs has no error of its own.
  if (model.graph.initializers.has(name)) return new Float64Array(layout.outputs);
  const rounded = await decoded(name, model, makers, context);
  if (rounded === undefined) return "its weight is computed from what the model is given";
  const sum = new Float64Array(layout.outputs);
  let element = 0;
  for await (const piece of floatPieces(weight)) {
    for (const value of piece) {
      const row = Math.floor(element / layout.length);
      sum[layout.outputOf(row)]! -= (rounded[element]! - value) * mean[layout.inputOf(row)]!;
      element++;
    }
  }
  return sum;
}

/** A weight as the model computes it from its codes. */
async function decoded(
  name: string,
  model: Model,
  makers: ReadonlyMap<string, Node>,
  context: Given["context"],
): Promise<Float32Array | undefined> {
  const { graph } = model;
  const needed = new Set<Node>();
  const open = [name];
  const given = new Set(graph.inputs.map((input) => input.name));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (graph.initializers.has(next) || next === "") continue;
    const maker = makers.get(next);
    if (maker === undefined || given.has(next)) return undefined;
    if (!needed.has(maker)) open.push(...maker.inputs);
    needed.add(maker);
  }
  const nodes = graph.nodes.filter((node) => needed.has(node));
  const used = new Set([name, ...nodes.flatMap(({ inputs }) => inputs)]);
  const part: Graph = {
    ...graph,
    inputs: [],
    nodes,
    outputs: [{ name }],
    initializers: new Map([...graph.initializers].filter(([one]) => used.has(one))),
    valueInfo: new Map(),
  };
  const results = await run({ ...model, graph: part }, {}, context);
  return results[name]?.data as Float32Array | undefined;
}
