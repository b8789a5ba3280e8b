// An attribute that counts heads or groups, anew.

import { int } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";

export const withCount = (node: Node, name: string, value: number): Node => ({
  ...node,
  attributes: new Map(node.attributes).set(name, int(value)),
});
