// Adds a correction to a bias where it stands: in a float constant, in int32 codes, or as a new bias where there was none.

import { floatOf } from "../../../ir/attributes.js";
import { makeNode } from "../../../ir/build.js";
import type { GraphEditor } from "../../../ir/edit.js";
import type { Node } from "../../../ir/model.js";
import { numbersOf } from "../../../passes/constants.js";
import { elementCount } from "../../../tensor/dtype.js";
import { float32, type Tensor, tensor } from "../../../tensor/tensor.js";
import type { BiasedLayer } from "./layers.js";

/** Undefined when it was added, else the reason why not. `correction`: one number for each channel of what the layer gives. */
export async function addToBias(
  editor: GraphEditor,
  layer: BiasedLayer,
  correction: Float64Array,
): Promise<string | undefined> {
  const node = editor.current(layer.node)!;
  const beta = node.opType === "Gemm" ? floatOf(node, "beta", 1) : 1;
  const added = beta === 1 ? correction : correction.map((value) => value / beta);
  const name = node.inputs[layer.input] ?? "";
  if (name === "") return newBias(editor, node, layer, added);
  const constant = editor.constant(name);
  if (constant) return addToFloats(editor, node, layer, constant as Tensor, added);
  const maker = editor.producer(name);
  if (maker?.opType !== "DequantizeLinear") return "its bias is computed";
  return addToCodes(editor, node, layer, maker, added);
}

async function addToFloats(
  editor: GraphEditor,
  node: Node,
  { input }: BiasedLayer,
  constant: Tensor,
  added: Float64Array,
): Promise<string | undefined> {
  const name = node.inputs[input]!;
  if (constant.dtype !== "float32") return `its bias is ${constant.dtype}`;
  const count = elementCount(constant.dims);
  if (count !== (constant.dims.at(-1) ?? 1) || (count !== 1 && count !== added.length)) return "its bias is no vector";
  const values = (await numbersOf(constant))!;
  const dims = count === added.length ? constant.dims : [added.length];
  const target = ownName(editor, name);
  editor.setInitializer(
    target,
    float32(
      dims,
      added.map((value, c) => value + values[count === 1 ? 0 : c]!),
    ),
  );
  if (target !== name) withInput(editor, node, input, target);
  return undefined;
}

/** scale * codes: the correction is rounded to the scale, which for a bias of int32 is fine. */
async function addToCodes(
  editor: GraphEditor,
  node: Node,
  { input }: BiasedLayer,
  dequantize: Node,
  added: Float64Array,
): Promise<string | undefined> {
  const [codesName = "", scaleName = "", zeroName = ""] = dequantize.inputs;
  const [codes, scale, zero] = [codesName, scaleName, zeroName].map((name) => editor.constant(name));
  if (codes?.dtype !== "int32") return `its bias is stored in ${codes?.dtype ?? "codes that are computed"}`;
  const [numbers, scales, zeros] = await Promise.all([numbersOf(codes), numbersOf(scale), numbersOf(zero)]);
  if (numbers === undefined || scales === undefined || zeros?.some((value) => value !== 0))
    return "its scale is computed";
  if (numbers.length !== added.length) return "its bias is no vector";
  const made = numbers.map((code, c) => code + Math.round(added[c]! / scales[scales.length === 1 ? 0 : c]!));
  const value = tensor("int32", codes.dims, Int32Array.from(made, saturated));
  const name = node.inputs[input]!;
  const own = ownName(editor, name) === name && ownName(editor, codesName) === codesName;
  const target = own ? codesName : editor.unique(`${codesName}_corrected`);
  editor.setInitializer(target, value);
  if (own) return undefined;
  const output = editor.unique(`${name}_corrected`);
  const inputs = [target, ...dequantize.inputs.slice(1)];
  editor.insertBefore(node, [{ ...dequantize, name: output, inputs, outputs: [output] }]);
  withInput(editor, node, input, output);
  return undefined;
}

/** int32 codes where the layer computes in integers (scale of its input times that of its weight), else floats. */
async function newBias(
  editor: GraphEditor,
  node: Node,
  { input }: BiasedLayer,
  added: Float64Array,
): Promise<string | undefined> {
  const name = editor.unique(`${node.inputs[1]}_bias`);
  const scale = await integerScale(editor, node, added.length);
  if (scale === undefined) editor.setInitializer(name, float32([added.length], added));
  else {
    const codes = Int32Array.from(added, (value, c) => saturated(Math.round(value / scale[c]!)));
    const [codesName, scaleName] = [editor.unique(`${name}_quantized`), editor.unique(`${name}_scale`)];
    editor.setInitializer(codesName, tensor("int32", [added.length], codes));
    editor.setInitializer(scaleName, float32([added.length], scale));
    const options = { name: `${name}_dequantizelinear`, attributes: { axis: 0 } };
    editor.insertBefore(node, [makeNode("DequantizeLinear", [codesName, scaleName], [name], options)]);
  }
  withInput(editor, node, input, name);
  return undefined;
}

/** Of each output channel, as ONNX Runtime wants it: the float32 product. Undefined where an operand is float. */
async function integerScale(editor: GraphEditor, node: Node, channels: number): Promise<Float64Array | undefined> {
  const scales: Float64Array[] = [];
  for (const name of node.inputs.slice(0, 2)) {
    const maker = editor.producer(name);
    const scale = maker?.opType === "DequantizeLinear" ? await numbersOf(editor.constant(maker.inputs[1]!)) : undefined;
    if (scale === undefined) return undefined;
    scales.push(scale);
  }
  const [x, w] = scales as [Float64Array, Float64Array];
  if (x.length !== 1 || (w.length !== 1 && w.length !== channels)) return undefined;
  return Float64Array.from({ length: channels }, (_, c) => Math.fround(x[0]! * w[w.length === 1 ? 0 : c]!));
}

const saturated = (code: number) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, code));

/** The name itself where one node alone uses it, else a new one for a copy. */
const ownName = (editor: GraphEditor, name: string): string =>
  editor.consumers(name).length === 1 && !editor.isOutput(name) ? name : editor.unique(`${name}_corrected`);

function withInput(editor: GraphEditor, node: Node, input: number, name: string): void {
  const inputs = Array.from({ length: Math.max(node.inputs.length, input + 1) }, (_, at) =>
    at === input ? name : (node.inputs[at] ?? ""),
  );
  editor.replace(editor.current(node)!, [{ ...node, inputs }]);
}
