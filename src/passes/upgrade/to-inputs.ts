// Operators whose attributes became inputs.

import { floatOf, intOf, intsOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import {
  type Literal,
  list,
  type Rule,
  refuse,
  requireGiven,
  type Site,
  scalar,
  withAttributes,
  withInput,
} from "./rule.js";

/** A list of integers that becomes an input. An absent one stays absent. */
const listRule = (operators: readonly string[], at: number, attribute: string, place: number): Rule => ({
  operators,
  at,
  apply(node, site) {
    requireGiven(node, at, attribute);
    const values = intsOf(node, attribute);
    if (!values) return node;
    const plain = withAttributes(node, { [attribute]: undefined });
    // An empty list of axes meant "all", as the absent input does.
    return values.length === 0 ? plain : withInput(plain, place, site.constant(list(values), attribute));
  },
});

const REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"];

/** A float parameter in the type of the data it belongs to. */
function scalarLike(node: Node, at: number, value: number, site: Site): Literal {
  const dtype = site.floatType(node.inputs[0]!);
  if (dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16") {
    return scalar(dtype, value);
  }
  throw refuse(node, at, `the element type of its input is ${dtype ?? "not known"}`);
}

export const toInputs: readonly Rule[] = [
  {
    operators: ["Slice"],
    at: 10,
    apply(node, site) {
      requireGiven(node, 10, "starts", "ends", "axes");
      const [starts, ends, axes] = [intsOf(node, "starts"), intsOf(node, "ends"), intsOf(node, "axes")];
      if (!starts || !ends) throw refuse(node, 10, 'it has no "starts" or "ends"');
      const inputs = [node.inputs[0]!, site.constant(list(starts), "starts"), site.constant(list(ends), "ends")];
      if (axes) inputs.push(site.constant(list(axes), "axes"));
      return { ...withAttributes(node, { starts: undefined, ends: undefined, axes: undefined }), inputs };
    },
  },
  {
    operators: ["TopK"],
    at: 10,
    apply(node, site) {
      requireGiven(node, 10, "k");
      const k = intOf(node, "k", -1);
      if (k < 0) throw refuse(node, 10, 'it has no "k"');
      return withInput(withAttributes(node, { k: undefined }), 1, site.constant(list([k]), "k"));
    },
  },
  {
    operators: ["Clip"],
    at: 11,
    apply(node, site) {
      requireGiven(node, 11, "min", "max");
      let result = withAttributes(node, { min: undefined, max: undefined });
      for (const [place, name] of [
        [1, "min"],
        [2, "max"],
      ] as const) {
        if (!node.attributes.has(name)) continue;
        const bound = scalarLike(node, 11, floatOf(node, name, 0), site);
        result = withInput(result, place, site.constant(bound, name));
      }
      return result;
    },
  },
  {
    operators: ["Pad"],
    at: 11,
    apply(node, site) {
      requireGiven(node, 11, "pads", "value");
      const pads = intsOf(node, "pads");
      if (!pads) throw refuse(node, 11, 'it has no "pads"');
      const plain = withAttributes(node, { pads: undefined, value: undefined });
      const padded = withInput(plain, 1, site.constant(list(pads), "pads"));
      const value = floatOf(node, "value", 0);
      return value === 0 ? padded : withInput(padded, 2, site.constant(scalarLike(node, 11, value, site), "value"));
    },
  },
  {
    operators: ["Dropout"],
    at: 12,
    apply(node, site) {
      requireGiven(node, 12, "ratio");
      if (!node.attributes.has("ratio")) return node;
      const ratio = site.constant(scalar("float32", floatOf(node, "ratio", 0.5)), "ratio");
      return withInput(withAttributes(node, { ratio: undefined }), 1, ratio);
    },
  },
  listRule(["Squeeze", "Unsqueeze", "ReduceSum"], 13, "axes", 1),
  listRule(["Split"], 13, "split", 1),
  {
    operators: ["Split"],
    at: 18,
    apply(node) {
      // Equal parts must now be asked for.
      if ((node.inputs[1] ?? "") !== "") return node;
      return withAttributes(node, { num_outputs: { type: "int", value: BigInt(node.outputs.length) } });
    },
  },
  listRule(
    REDUCTIONS.map((name) => `Reduce${name}`),
    18,
    "axes",
    1,
  ),
  {
    operators: ["DFT"],
    at: 20,
    apply(node, site) {
      requireGiven(node, 20, "axis");
      // The default changed from 1 to -2: always said.
      const axis = site.constant(scalar("int64", intOf(node, "axis", 1)), "axis");
      return withInput(withAttributes(node, { axis: undefined }), 2, axis);
    },
  },
];
