// Lookups in packed tables by operators that every runtime has: the rows that are asked for are gathered as bytes, each
// byte becomes its two or four numbers by a lookup of its own, and these are scaled. GatherBlockQuantized does the same, but the
// build of onnxruntime-web that transformers.js loads has it on WebGPU only; decoding the whole table at load would cost a
// large vocabulary gigabytes of the page's heap.

import { z } from "zod";
import { info, type Note } from "../base/note.js";
import { intOf } from "../ir/attributes.js";
import { type Graph, type Initializer, label, type Model, type Node } from "../ir/model.js";
import { everyGraph } from "../ir/traverse.js";
import { Edits, makeNode } from "../quantize/rewrite.js";
import { defineStep } from "../step/step.js";
import { DTYPES } from "../tensor/dtype.js";
import { toFloat16 } from "../tensor/float16.js";
import { float32, int64, tensor } from "../tensor/tensor.js";

/** Replaces each GatherBlockQuantized of symmetric 4-bit or 2-bit codes, whose rows are whole blocks, by plain operators. */
export const decodeRows = defineStep({
  name: "custom:decode-rows",
  summary: "Lookups in 4-bit and 2-bit tables by plain operators, for runtimes without GatherBlockQuantized",
  options: z.object({}),
  async apply(model: Model) {
    const edits = new Edits(model);
    const constants = new Map<string, Initializer>();
    for (const graph of everyGraph(model)) for (const [name, value] of graph.initializers) constants.set(name, value);
    const notes: Note[] = [];
    for (const graph of everyGraph(model)) {
      for (const node of graph.nodes) {
        const [data = "", , scales = ""] = node.inputs;
        const scale = constants.get(scales);
        const bits = intOf(node, "bits", 4);
        if (!isLookup(node, bits) || scale === undefined || !constants.has(data)) continue;
        const block = intOf(node, "block_size", 0);
        const [count, width] = [scale.dims[1]!, (8 / bits) * constants.get(data)!.dims[1]!];
        if (count * block !== width) continue;
        const values = bytesTable(bits, scale.dtype === "float16");
        edits.replaceNode(node, lookup(edits, graph, node, values, count, block));
        const text = `${label(node)} takes rows of ${bits}-bit codes and decodes these by plain operators.`;
        notes.push(info("rows-decoded", text, label(node)));
      }
    }
    return { model: edits.empty ? model : edits.apply({}), notes };
  },
});

const isLookup = (node: Node, bits: number) =>
  node.opType === "GatherBlockQuantized" &&
  node.domain === "com.microsoft" &&
  (node.inputs[3] ?? "") === "" &&
  (bits === 4 || bits === 2) &&
  intOf(node, "gather_axis", 0) === 0;

/** For ids of any shape [...]: [..., count, block] codes times [..., count, 1] scales, as [..., count * block]. */
function lookup(
  edits: Edits,
  graph: Graph,
  node: Node,
  values: Initializer,
  count: number,
  block: number,
): readonly Node[] {
  const [data = "", ids = "", scales = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const nodes: Node[] = [];
  const add = (opType: string, inputs: readonly string[], suffix: string, attributes = {}): string => {
    const name = edits.fresh(`${output}_${suffix}`);
    nodes.push(makeNode(opType, inputs, [name], attributes));
    return name;
  };
  const constant = (suffix: string, value: Initializer): string => {
    const name = edits.fresh(`${output}_${suffix}`);
    edits.addConstant(graph, name, value);
    return name;
  };
  const shape = add("Shape", [ids], "ids_shape");
  const shaped = (value: string, suffix: string, ...dims: number[]): string => {
    const last = constant(`${suffix}_dims`, int64([dims.length], dims));
    return add("Reshape", [value, add("Concat", [shape, last], `${suffix}_shape`, { axis: 0 })], suffix);
  };
  const bytes = add("Gather", [data, ids], "bytes");
  const index = add("Cast", [bytes], "index", { to: DTYPES.int32.code });
  const numbers = add("Gather", [constant("values", values), index], "numbers");
  const codes = shaped(numbers, "codes", count, block);
  const factors = shaped(add("Gather", [scales, ids], "scales"), "factors", count, 1);
  const product = add("Mul", [codes, factors], "product");
  const last = constant("width", int64([1], [count * block]));
  const dims = add("Concat", [shape, last], "shape", { axis: 0 });
  return [...nodes, makeNode("Reshape", [product, dims], [output], {}, "", node.name)];
}

/** The numbers of each byte, low bits first, less the code of zero: [256, numbers in a byte]. */
function bytesTable(bits: number, half: boolean): Initializer {
  const count = 8 / bits;
  const values = Float32Array.from(
    { length: 256 * count },
    (_, at) => ((Math.floor(at / count) >> (bits * (at % count))) & (2 ** bits - 1)) - 2 ** (bits - 1),
  );
  return half ? tensor("float16", [256, count], toFloat16(values)) : float32([256, count], values);
}
