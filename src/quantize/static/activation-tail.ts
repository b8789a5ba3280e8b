// Relu and Clip behind an operator: the runtime takes them away where what follows cannot hold anything else anyway, so they
// belong to the cluster, and bound the range of its result.

import { floatOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import type { GraphFacts } from "./graph-facts.js";

/** Numbers outside do not occur: infinite where there is no bound. `low <= 0 <= high`. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export const UNBOUNDED: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

export interface Tail {
  readonly nodes: readonly Node[];
  /** The last value of the chain: what is quantized. */
  readonly result: string;
  readonly bounds: Bounds;
}

/** Relu and Clip that are the only readers of `value`, one after the other. */
export function tailOf(value: string, facts: GraphFacts): Tail {
  const nodes: Node[] = [];
  let result = value;
  let bounds = UNBOUNDED;
  for (;;) {
    const [next, ...others] = facts.consumers(result);
    if (next === undefined || others.length > 0 || facts.isOutput(result)) break;
    const own = boundsOf(next, result, facts);
    if (own === undefined) break;
    bounds = { low: Math.max(bounds.low, own.low), high: Math.min(bounds.high, own.high) };
    nodes.push(next);
    result = next.outputs[0]!;
  }
  return { nodes, result, bounds };
}

/** What a Relu or Clip lets through; undefined: it is none, its bounds are not known, or 0 is outside. */
function boundsOf(node: Node, value: string, facts: GraphFacts): Bounds | undefined {
  if (node.domain !== "" || node.inputs[0] !== value) return undefined;
  if (node.opType === "Relu") return { low: 0, high: Number.POSITIVE_INFINITY };
  if (node.opType !== "Clip") return undefined;
  const bound = (input: number, attribute: string, none: number) => {
    const name = node.inputs[input] ?? "";
    return name === "" ? floatOf(node, attribute, none) : facts.numbers(name)?.[0];
  };
  const low = bound(1, "min", UNBOUNDED.low);
  const high = bound(2, "max", UNBOUNDED.high);
  if (low === undefined || high === undefined || low > 0 || high < 0) return undefined;
  // A bound of the largest float is none.
  return { low: low < -3e38 ? UNBOUNDED.low : low, high: high > 3e38 ? UNBOUNDED.high : high };
}
