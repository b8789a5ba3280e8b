// The operators pare knows something about. What is not listed has no weights and no counted cost.

import { registry } from "../base/registry.js";
import type { Node } from "../ir/model.js";
import { attention } from "./attention.js";
import { conv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { einsum } from "./einsum.js";
import { embedLayerNormalization, gather } from "./gather.js";
import { gemm } from "./gemm.js";
import { matmul } from "./matmul.js";
import { type Operator, operatorKey, type Shapes, type WeightUse } from "./operator.js";
import { packed, packedTable } from "./packed.js";
import { recurrent } from "./recurrent.js";

export type { Operator, Shapes, WeightUse } from "./operator.js";

export const operators = registry<Operator>("operator family", [
  conv,
  convTranspose,
  matmul,
  gemm,
  gather,
  embedLayerNormalization,
  recurrent,
  einsum,
  attention,
  packed,
  packedTable,
]);

const byKey = new Map(operators.list.flatMap((family) => family.operators.map((key) => [key, family] as const)));

/**
 * The inputs of a node that hold weights when they are constant; empty for operators without. Inside a function the axes
 * that an attribute of the call decides are those of its default.
 */
export const weightsOf = (node: Node): readonly WeightUse[] =>
  byKey
    .get(operatorKey(node))
    ?.weights?.(stated(node))
    .filter((use) => (node.inputs[use.input] ?? "") !== "") ?? [];

/** Without attributes that stand for those of a function's call. */
function stated(node: Node): Node {
  const attributes = [...node.attributes].filter(([, { type }]) => type !== "reference");
  return attributes.length === node.attributes.size ? node : { ...node, attributes: new Map(attributes) };
}

/**
 * Multiply-accumulates of one run of a node. `values` gives the dimensions of activations and initializers by name.
 * Undefined where the operator is not counted (elementwise work and data movement) or its shapes are not known.
 */
export const costOf = (node: Node, values: Shapes): number | undefined =>
  byKey.get(operatorKey(node))?.macs?.(node, values);
