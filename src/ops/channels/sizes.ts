// Sizes that a node is given as numbers: what they become when axes were cut. Constants are written anew; what is computed
// is overridden where it must be, so that free dimensions stay free.

import { makeNode } from "../../ir/build.js";
import type { Node } from "../../ir/model.js";
import { tensor } from "../../tensor/tensor.js";
import type { Cut } from "./rule.js";

/** A value to read instead, and the nodes that make it. */
interface Sizes {
  readonly value: string;
  readonly nodes: readonly Node[];
}

/** A size that is multiplied: `before` becomes `after`. */
export interface Scaling {
  readonly before: number;
  readonly after: number;
}

/** `sizes`, an int64 vector of `length` entries, with other numbers at some places. */
export function withEntries(
  cut: Cut,
  sizes: string,
  entries: ReadonlyMap<number, number>,
  length = cut.dims(sizes)[0] ?? 0,
): Sizes {
  if (entries.size === 0) return { value: sizes, nodes: [] };
  const numbers = cut.numbers(sizes);
  if (numbers !== undefined) {
    return {
      value: cut.ints(
        sizes,
        numbers.map((number, at) => entries.get(at) ?? number),
      ),
      nodes: [],
    };
  }
  const at = [...Array(length).keys()];
  const wanted = cut.ints(
    `${sizes}_cut`,
    at.map((index) => entries.get(index) ?? 0),
  );
  const value = cut.fresh(sizes);
  if (cut.opset >= 9) {
    const mask = cut.constant(
      `${sizes}_is_cut`,
      tensor(
        "bool",
        [at.length],
        Uint8Array.from(at, (index) => (entries.has(index) ? 1 : 0)),
      ),
    );
    return { value, nodes: [makeNode("Where", [mask, wanted, sizes], [value])] };
  }
  // Where begins with opset 9: what is overridden is multiplied by 0 first.
  const others = cut.ints(
    `${sizes}_others`,
    at.map((index) => (entries.has(index) ? 0 : 1)),
  );
  const cleared = cut.fresh(sizes);
  return {
    value,
    nodes: [makeNode("Mul", [sizes, others], [cleared]), makeNode("Add", [cleared, wanted], [value])],
  };
}

/**
 * `sizes`, a computed int64 vector or scalar of these dims, with some entries multiplied: for axes that may hold a free dimension beside the
 * channels (batch times heads). 0 and -1 stay what they are unless `plain` says that there are none.
 */
export function withScaling(
  cut: Cut,
  sizes: string,
  scalings: ReadonlyMap<number, Scaling>,
  dims: readonly number[],
  plain: boolean,
): Sizes {
  if (scalings.size === 0) return { value: sizes, nodes: [] };
  const at = [...Array(dims[0] ?? 1).keys()];
  const ratios = at.map((index) => reduced(scalings.get(index) ?? { before: 1, after: 1 }));
  const factor = cut.ints(
    `${sizes}_times`,
    ratios.map(({ after }) => after),
    dims,
  );
  const divisor = cut.ints(
    `${sizes}_over`,
    ratios.map(({ before }) => before),
    dims,
  );
  const times = cut.fresh(sizes);
  const over = cut.fresh(sizes);
  const nodes = [makeNode("Mul", [sizes, factor], [times]), makeNode("Div", [times, divisor], [over])];
  if (plain) return { value: over, nodes };
  const zero = cut.ints(`${sizes}_zero`, [0], []);
  const stated = cut.fresh(sizes);
  const value = cut.fresh(sizes);
  return {
    value,
    nodes: [...nodes, makeNode("Greater", [sizes, zero], [stated]), makeNode("Where", [stated, over, sizes], [value])],
  };
}

function reduced({ before, after }: Scaling): Scaling {
  let [a, b] = [before, after];
  while (b !== 0) [a, b] = [b, a % b];
  return { before: before / a, after: after / a };
}
