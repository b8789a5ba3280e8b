// The gradient rules, one operator or family a file.

import { registry } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";
import { add } from "./add.js";
import { matmul } from "./matmul.js";
import { mul } from "./mul.js";
import { relu } from "./relu.js";
import type { GradientRule } from "./rule.js";

export const gradients = registry("gradient rule", [
  // elementwise and activations
  add,
  mul,
  relu,
  // products
  matmul,
  // convolution and pooling
  // normalisation
  // reductions
  // movement
  // indexing
  // quantization
]);

/** Results that do not change with small changes of the inputs, or that are no numbers to differentiate. */
const STOPS = new Set(
  `ArgMax ArgMin Shape Size Equal Greater GreaterOrEqual Less LessOrEqual Not And Or Xor IsNaN IsInf NonZero
  ConstantOfShape Constant Range EyeLike OneHot Floor Ceil Round Sign BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot
  RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli Multinomial`.split(/\s+/),
);

const byOperator = new Map<string, GradientRule>();
for (const rule of gradients.list) for (const operator of rule.operators) byOperator.set(operator, rule);

export const gradientRule = (node: Node): GradientRule | undefined => byOperator.get(operatorKey(node));

/** Whether no gradient flows through a node, whatever reads it. */
export const stopsGradient = (node: Node): boolean => STOPS.has(operatorKey(node));
