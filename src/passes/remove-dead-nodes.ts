// Removes what no output needs: nodes, weights, and local functions that nothing calls.

import { info } from "../base/note.js";
import { GraphEditor } from "../ir/edit.js";
import { mapGraphsSync } from "../ir/map.js";
import type { FunctionDefinition, Graph, Model } from "../ir/model.js";
import { everyNode, subgraphs, uses } from "../ir/traverse.js";
import { definePass } from "./pass.js";

export const removeDeadNodes = definePass({
  name: "remove-dead-nodes",
  summary: "Nodes, weights and functions that no output needs are removed.",
  rewrite(model, _context, notes) {
    const removed = { nodes: 0, weights: 0 };
    const pruned = mapGraphsSync(model, (graph, _outer, body) => removeDead(graph, removed, body === undefined), {
      functions: true,
    });
    const functions = calledFunctions(pruned);
    const count = pruned.functions.length - functions.length;
    const parts = [
      [removed.nodes, "nodes"],
      [removed.weights, "weights"],
      [count, "functions"],
    ].flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
    if (parts.length > 0) notes.push(info("removed", `Not needed by any output and removed: ${parts.join(", ")}.`));
    return count === 0 ? pruned : { ...pruned, functions };
  },
});

function removeDead(graph: Graph, removed: { nodes: number; weights: number }, weights: boolean): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const dead: Graph["nodes"][number][] = [];
  // Consumers stand after producers, so one walk from the end sees every use before the node that makes the value.
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((name) => name !== "" && needed.has(name))) dead.push(node);
    else for (const name of uses(node)) needed.add(name);
  }
  // A default value belongs to its input, which is part of the model's interface.
  const inputs = new Set(graph.inputs.map((input) => input.name));
  const unused = [...graph.initializers.keys()].filter((name) => !needed.has(name) && !inputs.has(name));
  if (dead.length === 0 && (!weights || unused.length === 0)) return graph;
  const editor = new GraphEditor(graph);
  for (const node of dead) editor.remove(node);
  for (const name of unused) editor.removeInitializer(name);
  removed.nodes += dead.length;
  removed.weights += unused.length;
  return editor.done();
}

function calledFunctions(model: Model): readonly FunctionDefinition[] {
  if (model.functions.length === 0) return model.functions;
  const key = (domain: string, name: string, overload: string) => `${domain}\n${name}\n${overload}`;
  const byKey = new Map(model.functions.map((it) => [key(it.domain, it.name, it.overload), it]));
  const called = new Set<FunctionDefinition>();
  const visit = (nodes: Iterable<FunctionDefinition["nodes"][number]>) => {
    for (const node of nodes) {
      const definition = byKey.get(key(node.domain, node.opType, node.overload));
      for (const inner of subgraphs(node)) visit(inner.nodes);
      if (!definition || called.has(definition)) continue;
      called.add(definition);
      visit(definition.nodes);
    }
  };
  visit(everyNode(model));
  return called.size === model.functions.length ? model.functions : model.functions.filter((it) => called.has(it));
}
