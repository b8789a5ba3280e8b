// The operators that static quantization knows. What is not listed stays float, and bounds the islands of integers.

import { registry } from "../../../base/registry.js";
import type { Node } from "../../../ir/model.js";
import { arithmetic } from "./arithmetic.js";
import { concat } from "./concat.js";
import { conv } from "./conv.js";
import { gemm } from "./gemm.js";
import { lookup } from "./lookup.js";
import { matmul } from "./matmul.js";
import { movement } from "./movement.js";
import type { StaticOperator } from "./operator.js";
import { pooling } from "./pooling.js";
import { where } from "./where.js";

export type { Site, StaticOperator, Use, WeightInput } from "./operator.js";

export const staticOperators = registry<StaticOperator>("static operator", [
  conv,
  gemm,
  matmul,
  arithmetic,
  concat,
  pooling,
  lookup,
  where,
  movement,
]);

const byType = new Map(staticOperators.list.flatMap((one) => one.operators.map((type) => [type, one] as const)));

export const staticOperator = (node: Node): StaticOperator | undefined =>
  node.domain === "" ? byType.get(node.opType) : undefined;
