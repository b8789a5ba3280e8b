// What stands before every look at weights: float Constant nodes become initializers, so that a weight is one wherever it
// stands; weights that IR 3 had to list as inputs are inputs no more.

import { floatOf } from "../ir/attributes.js";
import { GraphEditor } from "../ir/edit.js";
import { mapGraphs } from "../ir/map.js";
import type { Initializer, Model, Node } from "../ir/model.js";
import { float32 } from "../tensor/tensor.js";

/** The same model with float Constant nodes of its graphs as initializers (those that are outputs stay), at least IR 4. */
export async function prepare(model: Model): Promise<Model> {
  return mapGraphs(modern(model), (graph, outer) => {
    const editor = new GraphEditor(graph, outer);
    for (const node of graph.nodes) {
      const value = constantOf(node);
      const name = node.outputs[0];
      if (value === undefined || name === undefined || editor.isOutput(name)) continue;
      editor.remove(node);
      editor.setInitializer(name, value);
    }
    return editor.done();
  });
}

function modern(model: Model): Model {
  if (model.irVersion >= 4) return model;
  const { graph } = model;
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  return { ...model, irVersion: 4, graph: { ...graph, inputs } };
}

function constantOf(node: Node): Initializer | undefined {
  if (node.opType !== "Constant" || node.domain !== "") return undefined;
  const value = node.attributes.get("value");
  if (value?.type === "tensor") return isFloat(value.value.dtype) ? value.value : undefined;
  if (node.attributes.has("value_float")) return float32([], [floatOf(node, "value_float", 0)]);
  const list = node.attributes.get("value_floats");
  return list?.type === "floats" ? float32([list.value.length], list.value) : undefined;
}

const isFloat = (dtype: string) => dtype === "float32" || dtype === "float16";
