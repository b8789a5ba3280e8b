// Gradient cases of operators that are lowered: what they become is differentiated instead of the node.

import { makeNode } from "../../src/ir/build.js";
import type { Node } from "../../src/ir/model.js";
import type { Emitter } from "../../src/train/emitter.js";
import { loweringOf } from "../../src/train/lowerings/index.js";
import { type GradientCase, gradientCases, type OperatorCases } from "./gradients.js";

/** Results of the lowering of a node, one for each output that it names. */
export const lowered = (node: Node, emit: Emitter): readonly string[] => loweredTo([])(node, emit);

/** For lowerings that ask for the dimensions of the outputs. */
export const loweredTo =
  (dims: readonly (readonly number[])[]) =>
  (node: Node, emit: Emitter): readonly string[] => {
    const results = loweringOf(node)?.lower({
      node,
      emit,
      input: (index) => node.inputs[index] ?? "",
      wants: (index) => (node.outputs[index] ?? "") !== "",
      dims: (index) => dims[index] ?? [],
    });
    if (results === undefined) throw new Error(`${node.opType} is not lowered`);
    return results.slice(0, node.outputs.length).map((name) => name!);
  };

/**
 * The lowering is its own definition: in float64 it is compared with the operator's float32 kernel, and its differences with the
 * gradient of what it wrote in float32. `dims`: of the outputs, where the lowering asks.
 */
export const loweredCases = (
  operator: string,
  cases: readonly (GradientCase & { readonly dims?: readonly (readonly number[])[] })[],
): OperatorCases => {
  const [domain, opType] = operator.includes(":") ? operator.split(":") : ["", operator];
  return gradientCases(
    operator,
    cases.map(({ dims = [], ...one }) => ({
      ...one,
      lower: loweredTo(dims),
      definition: {
        graph: (emit, inputs) => {
          const outputs = Array.from({ length: one.outputs ?? 1 }, (_, index) => `definition${index}`);
          const attributes = one.attributes ?? {};
          return loweredTo(dims)(makeNode(opType!, inputs, outputs, { domain: domain!, attributes }), emit);
        },
      },
    })),
  );
};
