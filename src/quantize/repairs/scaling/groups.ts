// Products that share an activation: what divides its channels multiplies the rows of every weight that it meets.

import type { Shape } from "../../../engine/observe.js";
import { intOf } from "../../../ir/attributes.js";
import type { GraphEditor } from "../../../ir/edit.js";
import { label, type Model, type Node } from "../../../ir/model.js";
import { isScalable } from "../../../passes/scaled-weight.js";
import { collectWeights, type Weight } from "../../../weights/weights.js";
import type { Settings } from "../../options.js";
import { selection } from "../../select.js";
import type { Ties } from "./channels.js";
import { type Change, fold } from "./fold.js";

/** One weight that meets the activation. */
export interface Factor {
  readonly node: Node;
  readonly weight: Weight;
  /** As the scheme will quantize it; undefined: it stays float. */
  readonly settings: Settings | undefined;
  /** Of the weight: [channels, outputs] in its own order, or [outputs, channels]. */
  readonly along: "rows" | "columns";
}

export interface Group {
  readonly value: string;
  /** The axis of the channels: the last (-1) of products, 1 of convolutions. */
  readonly axis: number;
  readonly channels: number;
  readonly factors: readonly Factor[];
  /** What divides the value. */
  readonly changes: readonly Change[];
  readonly ties: Ties;
}

export interface Refusal {
  readonly node: Node;
  readonly value: string;
  readonly reason: string;
}

/** Groups in the order of the graph, and those whose factor nothing can take in. Reads no weight. */
export function groupsOf(
  model: Model,
  editor: GraphEditor,
  settings: Settings,
  shapes: ReadonlyMap<string, Shape>,
): { readonly groups: readonly Group[]; readonly refusals: readonly Refusal[] } {
  const weights = new Map<string, Weight>();
  for (const weight of collectWeights(model, { functions: false })) {
    if (weight.graph === model.graph) weights.set(weight.name, weight);
  }
  const choice = selection(model, settings);
  const byValue = new Map<string, Node[]>();
  for (const node of model.graph.nodes) {
    if (!isProduct(node)) continue;
    const value = node.inputs[0]!;
    byValue.set(value, [...(byValue.get(value) ?? []), node]);
  }
  const groups: Group[] = [];
  const refusals: Refusal[] = [];
  for (const [value, nodes] of byValue) {
    const found = nodes.map((node) => factorOf(node, weights, choice));
    const factors = found.filter((one): one is Factor => one !== undefined);
    // Nothing of it is quantized: nothing to gain.
    if (!factors.some((factor) => factor.settings !== undefined)) continue;
    const made = groupOf(value, nodes, found, editor, shapes);
    if ("reason" in made) refusals.push({ node: factors[0]!.node, value, reason: made.reason });
    else groups.push(made);
  }
  return { groups, refusals };
}

function groupOf(
  value: string,
  nodes: readonly Node[],
  found: readonly (Factor | undefined)[],
  editor: GraphEditor,
  shapes: ReadonlyMap<string, Shape>,
): Group | { readonly reason: string } {
  const factors: Factor[] = [];
  for (const [at, factor] of found.entries()) {
    if (factor === undefined) return { reason: `${label(nodes[at]!)} has no constant matrix that could be scaled` };
    factors.push(factor);
  }
  const users = new Set(nodes);
  for (const { weight, node } of factors) {
    const foreign = weight.consumers.find((one) => one.node === undefined || !users.has(one.node) || one.input !== 1);
    if (foreign || weight.overridable) {
      const other = foreign?.node ? label(foreign.node) : "the model's own inputs or outputs";
      return { reason: `the weight of ${label(node)} serves ${other} too` };
    }
  }
  const axis = factors[0]!.node.opType === "Conv" ? 1 : -1;
  if (factors.some(({ node }) => (node.opType === "Conv" ? 1 : -1) !== axis)) {
    return { reason: "products and convolutions share it" };
  }
  const dims = shapes.get(value)?.dims;
  if (dims === undefined || dims.length < 2) return { reason: `the shape of "${value}" is not known` };
  const place = axis < 0 ? dims.length - 1 : axis;
  const channels = dims[place]!;
  if (factors.some((factor) => channelsOf(factor) !== channels)) return { reason: "its weights have other dimensions" };
  const { found: changes, ties } = fold({ editor, shapes }, value, place, channels, users);
  return changes.reason === undefined
    ? { value, axis, channels, factors, changes: changes.changes, ties }
    : { reason: changes.reason };
}

function isProduct(node: Node): boolean {
  if (node.domain !== "") return false;
  if (node.opType === "MatMul") return true;
  if (node.opType === "Gemm") return intOf(node, "transA", 0) === 0;
  return node.opType === "Conv";
}

/** Undefined where the weight is none that could be scaled: computed, packed, of more axes, a wider kernel. */
function factorOf(
  node: Node,
  weights: ReadonlyMap<string, Weight>,
  choice: ReturnType<typeof selection>,
): Factor | undefined {
  const weight = weights.get(node.inputs[1] ?? "");
  if (weight === undefined || !isScalable(weight.tensor.dtype)) return undefined;
  const { dims } = weight.tensor;
  const settings = choice.reasonToKeep(weight) === undefined ? choice.settingsFor(weight) : undefined;
  if (node.opType === "Conv") {
    const pointwise = intOf(node, "group", 1) === 1 && dims.slice(2).every((size) => size === 1);
    return pointwise ? { node, weight, settings, along: "columns" } : undefined;
  }
  if (dims.length !== 2) return undefined;
  const transposed = node.opType === "Gemm" && intOf(node, "transB", 0) !== 0;
  return { node, weight, settings, along: transposed ? "columns" : "rows" };
}

/** Channels that the weight takes, and outputs that it gives. */
export const channelsOf = ({ weight, along }: Factor): number => weight.tensor.dims[along === "rows" ? 0 : 1]!;
