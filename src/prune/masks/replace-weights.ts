// Other numbers for weights wherever they stand: in the main graph, in branches and loops, in local functions.

import type { Attribute, Graph, Initializer, Model, Node } from "../../ir/model.js";
import { subgraphs } from "../../ir/traverse.js";
import { functionBody, withBody } from "../../weights/function-bodies.js";
import type { Weight } from "../../weights/weights.js";

/** `weights`: of this very model. */
export function replaceWeights(model: Model, values: ReadonlyMap<Weight, Initializer>): Model {
  const byGraph = new Map<Graph, Map<string, Initializer>>();
  for (const [{ graph, name }, value] of values) {
    byGraph.set(graph, (byGraph.get(graph) ?? new Map<string, Initializer>()).set(name, value));
  }
  const rewritten = (graph: Graph): Graph => {
    const nodes = graph.nodes.map((node) => (subgraphs(node).length > 0 ? inside(node) : node));
    const own = byGraph.get(graph);
    const same = own === undefined && nodes.every((node, at) => node === graph.nodes[at]);
    if (same) return graph;
    // In their old places: the order of the file stays.
    const initializers = own && new Map([...graph.initializers].map(([name, value]) => [name, own.get(name) ?? value]));
    return { ...graph, nodes, ...(initializers && { initializers }) };
  };
  const inside = (node: Node): Node => {
    let changed = false;
    const mapped = (graph: Graph) => {
      const result = rewritten(graph);
      changed ||= result !== graph;
      return result;
    };
    const attributes = new Map(
      [...node.attributes].map(([name, attribute]): [string, Attribute] => {
        if (attribute.type === "graph") return [name, { ...attribute, value: mapped(attribute.value) }];
        if (attribute.type === "graphs") return [name, { ...attribute, value: attribute.value.map(mapped) }];
        return [name, attribute];
      }),
    );
    return changed ? { ...node, attributes } : node;
  };
  const graph = rewritten(model.graph);
  const functions = model.functions.map((definition) =>
    withBody(definition, rewritten(functionBody(definition)), model.opsets),
  );
  const same = functions.every((definition, at) => definition === model.functions[at]);
  return { ...model, graph, functions: same ? model.functions : functions };
}
