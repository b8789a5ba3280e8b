// Recurrent layers whose samples come first (layout 1) become layers whose steps come first, between Transposes: ONNX
// Runtime has no kernel for the former, so their shapes could not be observed.

import { intOf } from "../../ir/attributes.js";
import { makeNode } from "../../ir/build.js";
import { GraphEditor } from "../../ir/edit.js";
import type { Graph, Node } from "../../ir/model.js";

const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);
/** X and the initial states; the last states. */
const SWAPPED = [1, 0, 2];
/** [steps, directions, batch, hidden] to [batch, steps, directions, hidden]. */
const OUTPUT = [2, 0, 1, 3];

export function timeFirst(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    if (node.domain !== "" || !RECURRENT.has(node.opType) || intOf(node, "layout", 0) !== 1) continue;
    const before: Node[] = [];
    const after: Node[] = [];
    const transpose = (into: Node[], from: string, to: string, perm: readonly number[]) => {
      into.push(makeNode("Transpose", [from], [to], { attributes: { perm } }));
      return to;
    };
    const inputs = node.inputs.map((name, at) =>
      name !== "" && [0, 5, 6].includes(at) ? transpose(before, name, editor.unique(`${name}_by_step`), SWAPPED) : name,
    );
    const outputs = node.outputs.map((name, at) => {
      if (name === "") return name;
      const inner = editor.unique(`${name}_by_step`);
      transpose(after, inner, name, at === 0 ? OUTPUT : SWAPPED);
      return inner;
    });
    const attributes = new Map(node.attributes);
    attributes.delete("layout");
    editor.replace(node, [...before, { ...node, inputs, outputs, attributes }, ...after]);
  }
  return editor.done();
}
