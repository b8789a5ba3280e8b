// A model that stores or computes in float16, bfloat16 or float64 is trained in float32: its constants become float32
// (masters), and its casts to those types casts to float32. What the file holds keeps its type: `restore` rounds back.

import { info } from "../../base/note.js";
import { int } from "../../ir/attributes.js";
import { mapGraphsSync } from "../../ir/map.js";
import type { Attribute, Graph, Initializer, Node, ValueInfo } from "../../ir/model.js";
import { constantValue } from "../../passes/constant-node.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import type { Draft, Originals } from "./draft.js";
import { asFloat32, OTHER_FLOATS } from "./stored.js";

const CODES = new Set<number>([...OTHER_FLOATS].map((dtype) => DTYPES[dtype].code));
/** Attributes that name the element type of a result. */
const TYPES = ["to", "dtype", "output_dtype", "output_datatype", "softmax_precision", "stash_type"];

export function plainFloats(draft: Draft): void {
  const { originals } = draft;
  const found = new Set<DType>();
  const convert = <T extends Initializer>(tensor: T): T => {
    if (tensor.sparse || !OTHER_FLOATS.has(tensor.dtype)) return tensor;
    found.add(tensor.dtype);
    const made = { ...tensor, ...asFloat32(tensor) };
    originals.tensors.set(made, tensor);
    return made;
  };
  draft.model = mapGraphsSync(
    draft.model,
    (graph) => {
      const nodes = graph.nodes.map((node) => plainNode(node, convert, originals));
      const initializers = new Map([...graph.initializers].map(([name, tensor]) => [name, convert(tensor)]));
      const inputs = graph.inputs.map(plainInfo);
      const outputs = graph.outputs.map(plainInfo);
      const valueInfo = new Map([...graph.valueInfo].map(([name, info]) => [name, plainInfo(info)]));
      const changed =
        differs(nodes, graph.nodes) ||
        differs(inputs, graph.inputs) ||
        differs(outputs, graph.outputs) ||
        differs([...initializers.values()], [...graph.initializers.values()]);
      return changed ? ({ ...graph, nodes, initializers, inputs, outputs, valueInfo } satisfies Graph) : graph;
    },
    { functions: true },
  );
  if (found.size > 0) {
    const names = [...found].join(", ");
    draft.notes.push(
      info("computed-in-float32", `The model holds ${names}: it is trained in float32, and stored as before.`),
    );
  }
}

const differs = <T>(after: readonly T[], before: readonly T[]) => after.some((one, i) => one !== before[i]);

function plainNode(node: Node, convert: <T extends Initializer>(tensor: T) => T, originals: Originals): Node {
  let attributes: Map<string, Attribute> | undefined;
  const set = (name: string, attribute: Attribute) => {
    attributes = (attributes ?? new Map(node.attributes)).set(name, attribute);
  };
  for (const [name, attribute] of node.attributes) {
    if (attribute.type === "tensor") {
      const value = convert(attribute.value);
      if (value !== attribute.value) set(name, { ...attribute, value });
    } else if (attribute.type === "int" && TYPES.includes(name) && CODES.has(Number(attribute.value))) {
      set(name, int(DTYPES.float32.code));
    }
  }
  if (attributes === undefined) return node;
  const made = { ...node, attributes };
  const value = node.opType === "Constant" ? constantValue(node) : undefined;
  if (value !== undefined) originals.nodes.set(made, { node, tensor: value });
  return made;
}

function plainInfo(info: ValueInfo): ValueInfo {
  const { type } = info;
  if (type?.kind !== "tensor" || type.dtype === undefined || !OTHER_FLOATS.has(type.dtype)) return info;
  return { ...info, type: { ...type, dtype: "float32" } };
}
