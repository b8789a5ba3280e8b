// An If whose condition is constant, once shapes and scalar inputs are fixed, is the branch that it takes.

import { GraphEditor } from "../../ir/edit.js";
import { numbersOf } from "../../passes/constants.js";
import type { Draft } from "./draft.js";
import { bodyOfGraph, inlineBody } from "./inline.js";

/** Whether any was inlined: its nodes may hold more of them. */
export async function inlineBranches(draft: Draft): Promise<boolean> {
  const editor = new GraphEditor(draft.model.graph);
  const inlining = { editor, draft, known: new Map<object, string>() };
  let found = false;
  for (const node of draft.model.graph.nodes) {
    if (node.opType !== "If" || node.domain !== "") continue;
    const condition = await numbersOf(editor.constant(node.inputs[0]!));
    if (condition === undefined) continue;
    const branch = node.attributes.get(condition[0] !== 0 ? "then_branch" : "else_branch");
    if (branch?.type !== "graph") continue;
    inlineBody(editor.current(node)!, bodyOfGraph(branch.value), new Map(), inlining);
    found = true;
  }
  draft.model = { ...draft.model, graph: editor.done() };
  return found;
}
