// How many rows of activations a weight is multiplied with at a run, as far as the file says: by the shapes that it
// declares, or because it is a decoder with a cache, which takes one token after the other.

import { isCache, modelInputs } from "../../data/inputs.js";
import { intOf } from "../../ir/attributes.js";
import type { Graph, Model, Shape } from "../../ir/model.js";
import { isProduct } from "../../weights/matrix.js";
import type { Consumer, Weight } from "../../weights/weights.js";

/** "unknown": the file does not say. */
export type Rows = "few" | "many" | "unknown";

/** As many rows as packed products of a target are fast for where they are not fast for any number. */
export const FEW_ROWS = 8;

/** Of all products that use the weight: "few" only where each has few. */
export function rowsOf(weight: Weight, model: Model): Rows {
  const declared = weight.consumers.filter(isProduct).map((consumer) => declaredRows(consumer, model.graph));
  if (declared.includes("many")) return "many";
  return declared.every((rows) => rows === "few") || takesOneToken(model) ? "few" : "unknown";
}

/** A dimension that is a symbol, or is not stated, may be any number. */
function declaredRows({ node, graph }: Consumer, outer: Graph): Rows {
  const shape = shapeOf(node!.inputs[0]!, graph) ?? shapeOf(node!.inputs[0]!, outer);
  const result = shapeOf(node!.outputs[0]!, graph);
  const given = shape && intOf(node!, "transA", 0) !== 0 ? shape.slice(1) : shape?.slice(0, -1);
  const found = [given, result?.slice(0, -1)].map(counted);
  return found.find((rows) => rows !== "unknown") ?? "unknown";
}

function counted(dims: Shape | undefined): Rows {
  if (dims === undefined) return "unknown";
  const known = dims.filter((dim) => typeof dim === "number");
  if (known.reduce((all, dim) => all * dim, 1) > FEW_ROWS) return "many";
  return known.length === dims.length ? "few" : "unknown";
}

function shapeOf(name: string, graph: Graph): Shape | undefined {
  const stated = (one: { readonly name: string }) => one.name === name;
  const type = (graph.valueInfo.get(name) ?? graph.inputs.find(stated) ?? graph.outputs.find(stated))?.type;
  return type?.kind === "tensor" ? type.shape : undefined;
}

const known = new WeakMap<Model, boolean>();

/** It takes tokens (whole numbers, [batch, length]) and what it has kept of those before. */
function takesOneToken(model: Model): boolean {
  let found = known.get(model);
  if (found === undefined) {
    const inputs = modelInputs(model);
    const tokens = inputs.some(({ dtype, shape }) => /^int(32|64)$/.test(dtype ?? "") && shape?.length === 2);
    found = tokens && inputs.some(isCache);
    known.set(model, found);
  }
  return found;
}
