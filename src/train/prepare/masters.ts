// Weights stored as codes behind DequantizeLinear: the float numbers they stand for are trained (masters), rounded through
// the same scales in every forward pass, so that training sees what the file will hold.

import { info } from "../../base/note.js";
import type { Shape } from "../../engine/observe.js";
import { int } from "../../ir/attributes.js";
import { makeNode } from "../../ir/build.js";
import { GraphEditor } from "../../ir/edit.js";
import { type Attribute, type Initializer, label, type Node } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import type { Tensor } from "../../tensor/tensor.js";
import { codecOf, isCode } from "./codes.js";
import type { Draft } from "./draft.js";
import type { Observed } from "./static-shapes.js";

export interface Masters {
  readonly shapes: Observed;
  /** By the master's name: back to codes. */
  readonly encoders: ReadonlyMap<string, (values: Float32Array) => Promise<Tensor>>;
}

export function addMasters(draft: Draft, observed: Observed): Masters {
  const editor = new GraphEditor(draft.model.graph);
  const shapes = new Map<string, Shape>(observed);
  const encoders = new Map<string, (values: Float32Array) => Promise<Tensor>>();
  const made = new Map<string, string>();
  for (const node of draft.model.graph.nodes) {
    if (node.domain !== "" || node.opType !== "DequantizeLinear") continue;
    const name = node.inputs[0]!;
    const origin = draft.origins.get(name);
    const codes = dense(editor.constant(name));
    if (origin === undefined || codes === undefined || codes.dims.length === 0) continue;
    const [scale, zero] = [1, 2].map((at) => dense(editor.constant(node.inputs[at] ?? "")));
    const movingZero = (node.inputs[2] ?? "") !== "" && zero === undefined;
    if (!isCode(codes.dtype) || scale?.dtype !== "float32" || movingZero) {
      const text = `Its codes (${codes.dtype}) are left as they are: only integer codes with constant scales are trained.`;
      draft.notes.push(info("codes-kept", text, label(node)));
      continue;
    }
    // The same codes by the same scales are one weight; by others they stay as they are.
    const key = [name, node.inputs[1], node.inputs[2]].join("\n");
    if (made.has(name) && made.get(name) !== key) continue;
    const master = `${name}.master`;
    if (!made.has(name)) {
      const codec = codecOf(node, codes, scale, zero);
      editor.setInitializer(master, codec.master);
      draft.origins.set(master, origin);
      shapes.set(master, { dtype: "float32", dims: codes.dims });
      encoders.set(master, codec.encode);
      made.set(name, key);
    }
    const current = editor.current(node)!;
    // Bias codes have fine steps and no QuantizeLinear: the numbers themselves are read.
    if (codes.dtype === "int32") {
      editor.replace(current, [makeNode("Identity", [master], node.outputs)]);
      continue;
    }
    const rounded = editor.unique(`${name}.rounded`);
    shapes.set(rounded, { dtype: codes.dtype, dims: codes.dims });
    editor.replace(current, [
      makeNode("QuantizeLinear", [master, ...node.inputs.slice(1)], [rounded], { attributes: quantizing(node, codes) }),
      { ...current, inputs: [rounded, ...node.inputs.slice(1)] },
    ]);
  }
  draft.model = { ...draft.model, graph: editor.done() };
  return { shapes, encoders };
}

const dense = (constant: Initializer | undefined) => (constant?.sparse ? undefined : constant);

function quantizing(node: Node, codes: Initializer): Record<string, Attribute> {
  const kept = [...node.attributes].filter(([name]) => name === "axis" || name === "block_size");
  return { ...Object.fromEntries(kept), output_dtype: int(DTYPES[codes.dtype].code) };
}
