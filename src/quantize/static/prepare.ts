// What static quantization does to a model before it plans: as every scheme, the opset that its scales need; a product with a
// bias behind it as one Gemm, and a Relu behind a MaxPool before it.

import type { Note } from "../../base/note.js";
import { GraphEditor } from "../../ir/edit.js";
import type { Graph, Model, Node } from "../../ir/model.js";
import { valueFacts } from "../../passes/value-facts.js";
import { elementCount } from "../../tensor/dtype.js";
import type { Settings } from "../options.js";
import { prepare, raiseOpset } from "../prepare.js";

/** The model that is planned for, calibrated and rewritten. Throws what raising the opset throws. */
export async function prepareStatic(
  given: Model,
  settings: Pick<Settings, "activations">,
): Promise<{ readonly model: Model; readonly notes: readonly Note[] }> {
  // Scales of channels came with opset 13, 16-bit codes with 21.
  const { model, notes } = raiseOpset(await prepare(given), settings.activations.endsWith("16") ? 21 : 13);
  const graph = reluFirst(withBiases(model.graph));
  return { model: graph === model.graph ? model : { ...model, graph }, notes };
}

/**
 * MatMul of matrices and Add of a vector as one Gemm. ONNX Runtime makes one of them too, before it looks for integers, and
 * then finds a bias that is float. It does so with batches of fixed sizes as well, unless the bias has their axes.
 */
function withBiases(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  const fact = valueFacts(graph);
  const fixed = graph.inputs.every(
    ({ type }) => type?.kind === "tensor" && type.shape?.every((dim) => typeof dim === "number"),
  );
  for (const node of graph.nodes) {
    if (node.opType !== "MatMul" || node.domain !== "") continue;
    const [left = "", right = ""] = node.inputs;
    const [product = ""] = node.outputs;
    const weight = editor.constant(right);
    if (weight?.dtype !== "float32" || weight.dims.length !== 2 || editor.isOutput(product)) continue;
    const { rank } = fact(left);
    const [add, ...others] = editor.consumers(product);
    if (add === undefined || others.length > 0 || add.opType !== "Add" || add.domain !== "") continue;
    const bias = add.inputs.find((name) => name !== product) ?? "";
    const constant = editor.constant(bias);
    const { dims } = constant ?? { dims: [] };
    const vector = dims.at(-1) === weight.dims[1] && elementCount(dims) === weight.dims[1] && dims.length <= 2;
    if (constant?.dtype !== "float32" || constant.sparse || !vector) continue;
    if (rank === 2) {
      editor.remove(node);
      editor.replace(add, [gemm(node, add, [left, right, bias])]);
    } else if (rank !== undefined && rank > 2 && fixed) {
      const shaped = editor.unique(`${bias}_rows`);
      editor.setInitializer(shaped, { ...constant, dims: [...Array<number>(rank - 1).fill(1), weight.dims[1]!] });
      editor.replace(add, [{ ...add, inputs: add.inputs.map((name) => (name === bias ? shaped : name)) }]);
    }
  }
  return editor.done();
}

/**
 * The largest of several numbers and 0 is the same whichever is taken first, and a Relu before the MaxPool goes into the layer
 * before that: the values between have one sign then, and one scale with those behind.
 */
function reluFirst(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const pool of graph.nodes) {
    const [taken = ""] = pool.inputs;
    const [pooled = "", indices = ""] = pool.outputs;
    if (pool.opType !== "MaxPool" || pool.domain !== "" || indices !== "" || editor.isOutput(pooled)) continue;
    const [relu, ...others] = editor.consumers(pooled);
    if (relu?.opType !== "Relu" || relu.domain !== "" || others.length > 0) continue;
    const positive = editor.unique(`${taken}_relu`);
    editor.replace(pool, [{ ...relu, inputs: [taken], outputs: [positive] }]);
    editor.replace(relu, [{ ...pool, inputs: [positive], outputs: relu.outputs }]);
  }
  return editor.done();
}

/** Called as the product was: that is where the weight is. */
const gemm = (product: Node, add: Node, inputs: readonly string[]): Node => ({
  ...product,
  name: product.name || add.name,
  opType: "Gemm",
  inputs,
  outputs: add.outputs,
});
