// What pare can do with each node, for a target: read from the operator facts, without reading a weight.

import { label, type Model } from "../ir/model.js";
import { everyNode } from "../ir/traverse.js";
import { weightsOf } from "../ops/index.js";
import { operatorKey } from "../ops/operator.js";
import type { Target } from "../targets/target.js";
import { operatorObstacle } from "./half/rules.js";
import { collectWeights } from "./weights.js";

export interface Ability {
  /** The node's label. */
  readonly node: string;
  /** Forms that change it: "float16", "int8", "int4", "int8-dynamic", "int4-native" ... */
  readonly can: readonly string[];
  /** Why nothing, or not more. */
  readonly why?: string;
}

/** One entry for each node of the model, subgraphs included, in order. */
export function abilities(model: Model, target: Target): readonly Ability[] {
  const opset = model.opsets.get("") ?? 1;
  const weighted = new Set(
    collectWeights(model).flatMap((weight) =>
      weight.consumers.flatMap(({ node, use }) => (node && use && use.role !== "vector" ? [node] : [])),
    ),
  );
  return [...everyNode(model)].map((node): Ability => {
    const can: string[] = [];
    const obstacle = operatorObstacle(node, opset);
    if (obstacle === undefined) can.push("float16");
    if (weighted.has(node)) {
      can.push("float16-stored", "int8", "int4");
      const key = operatorKey(node);
      if (DYNAMIC.has(key) && target.fast.dynamicInt8) can.push("int8-dynamic");
      if (key === "MatMul" || key === "Gemm")
        can.push(...target.fast.matMulNBits.map(({ bits }) => `int${bits}-native`));
      if (key === "Gather" && target.fast.gatherBlockQuantized) can.push("int8-native", "int4-native");
      return { node: label(node), can };
    }
    const why =
      weightsOf(node).length > 0 ? "its weights are computed, not constant" : (obstacle ?? "it has no weights");
    return { node: label(node), can, why };
  });
}

const DYNAMIC = new Set(["MatMul", "Gemm", "Conv", "LSTM"]);
