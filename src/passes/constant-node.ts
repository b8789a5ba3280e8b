// What a Constant node holds, in the form of an initializer.

import type { Initializer, Node } from "../ir/model.js";
import { float32, int64, tensor } from "../tensor/tensor.js";

/** Undefined when the attribute is one of a function's call, or missing. */
export function constantValue(node: Node): Initializer | undefined {
  for (const [name, attribute] of node.attributes) {
    if (name === "value" && attribute.type === "tensor") {
      const { name: _name, ...value } = attribute.value;
      return value;
    }
    if (name === "sparse_value" && attribute.type === "sparse") return attribute.value;
    if (name === "value_float" && attribute.type === "float") return float32([], [attribute.value]);
    if (name === "value_floats" && attribute.type === "floats") {
      return float32([attribute.value.length], attribute.value);
    }
    if (name === "value_int" && attribute.type === "int") return int64([], [attribute.value]);
    if (name === "value_ints" && attribute.type === "ints") return int64([attribute.value.length], attribute.value);
    if (name === "value_string" && attribute.type === "string") return strings([], [attribute.value]);
    if (name === "value_strings" && attribute.type === "strings") {
      return strings([attribute.value.length], attribute.value);
    }
  }
  return undefined;
}

const strings = (dims: readonly number[], values: readonly Uint8Array[]): Initializer => ({
  dtype: "string",
  dims,
  data: tensor("uint8", [0], new Uint8Array(0)).data,
  strings: values,
});
