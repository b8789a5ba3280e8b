// Trained values back into the user's model: each tensor in the form it was stored in, where it stood. What did not change
// stays the very same tensor, so that its bytes do.

import { invalid } from "../../base/errors.js";
import { tensorAttribute } from "../../ir/attributes.js";
import { mapGraphs } from "../../ir/map.js";
import type { Initializer, Model, Node } from "../../ir/model.js";
import { elementCount } from "../../tensor/dtype.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Value } from "../../tensor/value.js";
import type { Origin } from "./draft.js";
import { encodeFloats } from "./stored.js";

/** One tensor that training may change. */
export interface Slot {
  readonly origin: Origin;
  /** What `prepare` made of it: the value before training. */
  readonly initial: Initializer;
  /** Other than a rounding to the stored float type: codes of a quantized weight. */
  readonly encode?: (values: Float32Array) => Promise<Tensor>;
}

export async function restore(
  model: Model,
  slots: ReadonlyMap<string, Slot>,
  values: ReadonlyMap<string, Value>,
): Promise<Model> {
  const nodes = new Map<Node, Tensor>();
  const tensors = new Map<Initializer, Tensor>();
  for (const [name, value] of values) {
    const slot = slots.get(name);
    if (slot === undefined) {
      throw invalid("weight-unknown", `There is no trained tensor "${name}" in this model.`, { node: name });
    }
    const numbers = floatsOf(name, value, slot);
    if (await isUnchanged(numbers, slot.initial)) continue;
    const { origin } = slot;
    const stored = slot.encode ? await slot.encode(numbers) : encodeFloats(numbers, origin.tensor);
    if (origin.node) nodes.set(origin.node, stored);
    else tensors.set(origin.tensor, stored);
  }
  if (nodes.size === 0 && tensors.size === 0) return model;
  return mapGraphs(
    model,
    (graph) => {
      let initializers = graph.initializers;
      for (const [name, tensor] of graph.initializers) {
        const stored = tensors.get(tensor);
        if (stored === undefined || tensor.sparse) continue;
        if (initializers === graph.initializers) initializers = new Map(initializers);
        (initializers as Map<string, Initializer>).set(name, { ...tensor, data: stored.data });
      }
      const changed = graph.nodes.some((node) => nodes.has(node));
      if (!changed && initializers === graph.initializers) return graph;
      return {
        ...graph,
        initializers,
        nodes: changed ? graph.nodes.map((node) => constant(node, nodes.get(node))) : graph.nodes,
      };
    },
    { functions: true },
  );
}

function constant(node: Node, stored: Tensor | undefined): Node {
  if (stored === undefined) return node;
  const attributes = new Map(node.attributes);
  const before = attributes.get("value");
  if (before?.type === "tensor") {
    attributes.set("value", { ...before, value: { ...before.value, data: stored.data } });
    return { ...node, attributes };
  }
  // value_float and value_floats are float32.
  attributes.delete("value_float");
  attributes.delete("value_floats");
  attributes.set("value", tensorAttribute(stored));
  return { ...node, attributes };
}

function floatsOf(name: string, { dtype, data }: Value, { initial }: Slot): Float32Array {
  if (dtype === "float32" && data instanceof Float32Array && data.length === elementCount(initial.dims)) return data;
  throw invalid("weight-shape", `The trained value of "${name}" does not fit the weight.`, {
    node: name,
    expected: `float32 [${initial.dims}]`,
    found: `${dtype}, ${data.length} elements`,
  });
}

async function isUnchanged(values: Float32Array, initial: Initializer): Promise<boolean> {
  if (initial.sparse) return false;
  const before = await initial.data.read();
  const after = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return before.byteLength === after.byteLength && after.every((byte, i) => byte === before[i]);
}
