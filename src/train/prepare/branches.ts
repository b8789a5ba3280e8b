// An If whose condition is constant, once shapes and scalar inputs are fixed, is the branch that it takes.

import { GraphEditor } from "../../ir/edit.js";
import type { Model } from "../../ir/model.js";
import { definitions, everyGraph } from "../../ir/traverse.js";
import { numbersOf } from "../../passes/constants.js";
import type { Draft } from "./draft.js";
import { bodyOfGraph, inlineBody } from "./inline.js";

/** Whether any was inlined: its nodes may hold more of them. */
export async function inlineBranches(draft: Draft): Promise<boolean> {
  const editor = new GraphEditor(draft.model.graph);
  const inlining = { editor, draft, known: new Map<object, string>() };
  const alone = namedOnce(draft.model);
  let found = false;
  for (const node of draft.model.graph.nodes) {
    if (node.opType !== "If" || node.domain !== "") continue;
    const condition = await numbersOf(editor.constant(node.inputs[0]!));
    if (condition === undefined) continue;
    const branch = node.attributes.get(condition[0] !== 0 ? "then_branch" : "else_branch");
    if (branch?.type !== "graph") continue;
    inlineBody(editor.current(node)!, bodyOfGraph(branch.value, alone), new Map(), inlining);
    found = true;
  }
  draft.model = { ...draft.model, graph: editor.done() };
  return found;
}

/** Names that one graph of the model defines, and no other. */
function namedOnce(model: Model): ReadonlySet<string> {
  const once = new Set<string>();
  const known = new Set<string>();
  for (const graph of everyGraph(model)) {
    for (const name of definitions(graph)) {
      if (known.has(name)) once.delete(name);
      else once.add(name);
      known.add(name);
    }
  }
  return once;
}
