// Which ways of writing into a tensor have a gradient here.

import { unsupported } from "../../base/errors.js";
import { label, type Node } from "../../ir/model.js";

/** Throws `unsupported("gradient-reduction")` unless `reduction` is "none" or "add". */
export function refuseReduction(node: Node, reduction: string): void {
  if (reduction === "none" || reduction === "add") return;
  throw unsupported("gradient-reduction", `${label(node)} (${node.opType}) writes with reduction "${reduction}".`, {
    node: label(node),
    expected: "none or add",
    found: reduction,
  });
}
