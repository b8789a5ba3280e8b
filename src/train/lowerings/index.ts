// The lowerings, one operator or family a file.

import { registry } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";
import type { Lowering } from "./lowering.js";

export const lowerings = registry<Lowering>("lowering", []);

const byOperator = new Map<string, Lowering>();
for (const lowering of lowerings.list) for (const operator of lowering.operators) byOperator.set(operator, lowering);

export const loweringOf = (node: Node): Lowering | undefined => byOperator.get(operatorKey(node));
