// Inputs that say where numbers go (axes, pads, starts, scales): a rule can only be written when they are constant.

import { unsupported } from "../../base/errors.js";
import { label } from "../../ir/model.js";
import type { GradientSite } from "./rule.js";

/** The numbers of an input, undefined where it is not given. Throws `unsupported("gradient-computed-input")`. */
export function constantInput({ node, emit, input }: GradientSite, index: number, what: string): number[] | undefined {
  if (input(index) === "") return undefined;
  const found = emit.constant(input(index));
  if (found !== undefined) return found;
  throw unsupported("gradient-computed-input", `${label(node)} (${node.opType}) computes its ${what}.`, {
    node: label(node),
    expected: `constant ${what}`,
    found: `the value "${input(index)}"`,
    hint: "Fix the input's dimensions (pare fix-dims) and clean the model, so that they become constant.",
  });
}
