// Calls of local functions are replaced by the nodes of their bodies. A weight that a function holds is one weight, however
// often it is called.

import { internal } from "../../base/errors.js";
import { GraphEditor } from "../../ir/edit.js";
import { type Attribute, type FunctionDefinition, type Graph, label, type Node } from "../../ir/model.js";
import type { Draft } from "./draft.js";
import { inlineBody } from "./inline.js";

/** Bodies nested deeper than this are taken for functions that call themselves. */
const DEPTH = 64;

/** Inlines the calls of the main graph; those inside branches follow when the branch is inlined. */
export function inlineFunctions(draft: Draft, known: Map<object, string>): void {
  const { functions } = draft.model;
  if (functions.length === 0) return;
  const byKey = new Map(functions.map((one) => [keyOf(one.domain, one.name, one.overload), one]));
  const opsets = new Map(draft.model.opsets);
  for (let depth = 0; ; depth++) {
    const editor = new GraphEditor(draft.model.graph);
    const inlining = { editor, draft, known };
    let found = false;
    for (const node of draft.model.graph.nodes) {
      const definition = byKey.get(keyOf(node.domain, node.opType, node.overload));
      if (definition === undefined) continue;
      if (depth > DEPTH) throw internal(`function ${definition.name} calls itself`, { node: label(node) });
      for (const [domain, version] of definition.opsets) if (!opsets.has(domain)) opsets.set(domain, version);
      const bound = new Map(definition.inputs.map((name, i) => [name, node.inputs[i] ?? ""]));
      const body = {
        nodes: definition.nodes.map((inner) => withAttributes(inner, node, definition)),
        initializers: new Map(),
        outputs: definition.outputs,
        prefix: `${label(node)}/`,
        sources: `${definition.name}/`,
      };
      inlineBody(editor.current(node)!, body, bound, inlining);
      found = true;
    }
    draft.model = { ...draft.model, graph: editor.done(), opsets };
    if (!found) return;
  }
}

const keyOf = (domain: string, name: string, overload: string) => JSON.stringify([domain, name, overload]);

/** A node of the body with the attributes of the call; the very same one where it refers to none. */
function withAttributes(node: Node, call: Node, definition: FunctionDefinition): Node {
  let attributes: Map<string, Attribute> | undefined;
  for (const [name, attribute] of node.attributes) {
    if (attribute.type === "reference") {
      attributes ??= new Map(node.attributes);
      const given = call.attributes.get(attribute.value) ?? definition.attributeDefaults.get(attribute.value);
      if (given === undefined) attributes.delete(name);
      else attributes.set(name, given);
    } else if (attribute.type === "graph") {
      const value = inGraph(attribute.value, call, definition);
      if (value !== attribute.value)
        attributes = (attributes ?? new Map(node.attributes)).set(name, { ...attribute, value });
    }
  }
  return attributes === undefined ? node : { ...node, attributes };
}

function inGraph(graph: Graph, call: Node, definition: FunctionDefinition): Graph {
  const nodes = graph.nodes.map((node) => withAttributes(node, call, definition));
  return nodes.every((node, i) => node === graph.nodes[i]) ? graph : { ...graph, nodes };
}
