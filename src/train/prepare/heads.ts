// Which outputs end in an activation that a loss contains: training on the logits before it is exact where the
// probabilities have long been 0 or 1.

import { intOf } from "../../ir/attributes.js";
import type { Graph } from "../../ir/model.js";
import { producers } from "../../ir/traverse.js";
import { DTYPES } from "../../tensor/dtype.js";
import type { Head } from "../prepared.js";
import type { Observed } from "./static-shapes.js";

const ACTIVATIONS: Readonly<Record<string, Head["activation"]>> = {
  Softmax: "softmax",
  LogSoftmax: "log-softmax",
  Sigmoid: "sigmoid",
};
/** What may stand between the activation and the output: the numbers stay the same. */
const BEHIND = new Set(["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Dropout"]);

export function findHeads(graph: Graph, shapes: Observed): Head[] {
  const makers = producers(graph);
  const heads: Head[] = [];
  for (const { name: output } of graph.outputs) {
    const shape = shapes.get(output);
    if (shape === undefined || DTYPES[shape.dtype].kind !== "float") continue;
    let maker = makers.get(output);
    while (maker?.domain === "" && BEHIND.has(maker.opType)) maker = makers.get(maker.inputs[0]!);
    const activation = maker?.domain === "" ? ACTIVATIONS[maker.opType] : undefined;
    if (maker === undefined || activation === undefined) {
      heads.push({ output, logits: output, activation: "none", axis: classAxis(shape.dims) });
      continue;
    }
    const logits = maker.inputs[0]!;
    const dims = shapes.get(logits)!.dims;
    const stated = activation === "sigmoid" ? classAxis(dims) : intOf(maker, "axis", -1);
    heads.push({ output, logits, activation, axis: stated < 0 ? stated + dims.length : stated });
  }
  return heads;
}

/** Images have their classes at axis 1, rows and sequences at the last. */
const classAxis = (dims: readonly number[]) => (dims.length >= 4 ? 1 : Math.max(0, dims.length - 1));
