// Which weights take part in integer products, and as what.

import { intOf } from "../ir/attributes.js";
import type { Node } from "../ir/model.js";
import { type Consumer, isWeight, type Weight } from "../weights/weights.js";
import { productAlong } from "./layout.js";
import type { Selection } from "./select.js";

/** How a weight takes part: multiplied as integers by at least one node, or not at all. */
export type Part = "product" | "conv" | "lstm" | "stored";

export interface Plan {
  readonly parts: ReadonlyMap<Weight, Part>;
  readonly byConsumer: ReadonlyMap<Node, ReadonlyMap<number, Weight>>;
  readonly kept: readonly { readonly weight: Weight; readonly reason: string }[];
}

export function planOf(weights: readonly Weight[], choice: Selection): Plan {
  const parts = new Map<Weight, Part>();
  const byConsumer = new Map<Node, Map<number, Weight>>();
  const kept: { weight: Weight; reason: string }[] = [];
  for (const weight of weights) {
    const reason =
      choice.reasonToKeep(weight) ??
      (weight.tensor.dtype === "float16" ? "DynamicQuantizeLinear takes float32 only" : undefined);
    const part = reason === undefined ? partOf(weight) : undefined;
    if (part === undefined) {
      kept.push({ weight, reason: reason ?? "no operator that pare knows uses it as a weight" });
      continue;
    }
    parts.set(weight, part);
    for (const { node, input } of weight.consumers) {
      if (node === undefined) continue;
      const inputs = byConsumer.get(node) ?? new Map<number, Weight>();
      byConsumer.set(node, inputs.set(input, weight));
    }
  }
  return { parts, byConsumer, kept };
}

function partOf(weight: Weight): Part | undefined {
  if (!isWeight(weight)) return undefined;
  const { dims } = weight.tensor;
  if (weight.consumers.some((consumer) => productAlong(consumer, dims) !== undefined)) return "product";
  if (weight.consumers.every(isConv)) return "conv";
  if (weight.consumers.every(isLstm)) return "lstm";
  return "stored";
}

export const isConv = ({ node, input, path }: Consumer) =>
  node?.opType === "Conv" && node.domain === "" && input === 1 && path.length === 0;
export const isLstm = ({ node, input, path }: Consumer) =>
  path.length === 0 &&
  node?.opType === "LSTM" &&
  node.domain === "" &&
  (input === 1 || input === 2) &&
  intOf(node, "layout", 0) === 0;
