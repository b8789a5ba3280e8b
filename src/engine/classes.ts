// Which outputs of a model hold scores of classes, so that "the same top class" means something. Most outputs of two
// dimensions do not: embeddings, regressions and boxes have the same form. Only the name or the last operator tells.

import type { Model, Node } from "../ir/model.js";
import { producers } from "../ir/traverse.js";

const NAME = /logit|prob|score|class|softmax/i;
const SCORES = new Set(["Softmax", "LogSoftmax", "Hardmax", "Sigmoid"]);
/** What hands values on in their order along the last axis. */
const HANDS_ON = new Set(["Identity", "Cast", "Squeeze", "Unsqueeze", "Flatten", "Reshape"]);

/** Outputs named like scores of classes, and those whose last operator makes such scores. */
export function classOutputs({ graph }: Pick<Model, "graph">): ReadonlySet<string> {
  const made = producers(graph);
  const scores = ({ name }: { readonly name: string }) => NAME.test(name) || SCORES.has(origin(name, made) ?? "");
  return new Set(graph.outputs.filter(scores).map(({ name }) => name));
}

/** The operator behind those that only hand a value on. */
function origin(name: string, made: ReadonlyMap<string, Node>): string | undefined {
  const passed = new Set<Node>();
  let node = made.get(name);
  while (node && node.domain === "" && HANDS_ON.has(node.opType) && !passed.has(node)) {
    passed.add(node);
    node = made.get(node.inputs[0] ?? "");
  }
  return node?.domain === "" ? node.opType : undefined;
}
