// Constant nodes of the main graph become initializers, so that a weight is one wherever it stands.

import { GraphEditor } from "../../ir/edit.js";
import type { Initializer, Node } from "../../ir/model.js";
import { constantValue } from "../../passes/constant-node.js";
import { type Draft, remember } from "./draft.js";

/** Every initializer is its own origin, unless a stage before said otherwise. */
export function recordOrigins(draft: Draft): void {
  for (const [source, tensor] of draft.model.graph.initializers) {
    remember(draft, source, source, tensor);
  }
}

/** Those that are graph outputs stay nodes. */
export function hoistConstants(draft: Draft): void {
  const { graph } = draft.model;
  const editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    const tensor = constantOf(node);
    const name = node.outputs[0]!;
    if (tensor === undefined || editor.isOutput(name)) continue;
    editor.remove(node);
    editor.setInitializer(name, tensor);
    remember(draft, name, name, tensor, node);
  }
  draft.model = { ...draft.model, graph: editor.done() };
}

/** The dense value of a Constant node. */
export function constantOf(node: Node): Initializer | undefined {
  if (node.opType !== "Constant" || node.domain !== "") return undefined;
  const value = constantValue(node);
  return value?.sparse ? undefined : value;
}
