// The part of `verify` that looks at one weight or one node alone.

import { DTYPES, elementCount } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Attribute, FunctionDefinition, Initializer, Node } from "./model.js";

interface Finding {
  readonly code: string;
  readonly text: string;
}

/** Dims and payload of a weight. */
export function* weightProblems(weight: Initializer): Generator<Finding> {
  if (weight.sparse === undefined) {
    yield* tensorProblems(weight);
    return;
  }
  const { values, indices } = weight.sparse;
  yield* dimsProblems(weight.dims);
  yield* tensorProblems(values);
  yield* tensorProblems(indices);
  const count = values.dims[0] ?? 0;
  if (values.dims.length !== 1) yield { code: "dims-invalid", text: "its sparse values are not a list." };
  if (indices.dtype !== "int64") yield { code: "dims-invalid", text: "its sparse indices are not int64." };
  const linear = indices.dims.length === 1;
  if (indices.dims[0] !== count || (!linear && indices.dims[1] !== weight.dims.length) || indices.dims.length > 2) {
    yield { code: "dims-invalid", text: `indices [${indices.dims}] do not fit ${count} values of [${weight.dims}].` };
  }
}

function* tensorProblems(tensor: Tensor): Generator<Finding> {
  const before = [...dimsProblems(tensor.dims)];
  yield* before;
  if (before.length > 0) return;
  const count = elementCount(tensor.dims);
  if (tensor.dtype === "string") {
    const found = tensor.strings?.length ?? 0;
    if (found !== count)
      yield { code: "payload-size", text: `[${tensor.dims}] is ${count} strings; it holds ${found}.` };
    return;
  }
  const expected = Math.ceil((count * DTYPES[tensor.dtype].bits) / 8);
  const found = tensor.data.byteLength;
  if (found !== expected) {
    yield {
      code: "payload-size",
      text: `${tensor.dtype}[${tensor.dims}] is ${expected} bytes; the payload has ${found}.`,
    };
  }
}

function* dimsProblems(dims: readonly number[]): Generator<Finding> {
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) yield { code: "dims-invalid", text: `dimension ${dim} cannot be.` };
  }
  if (!Number.isSafeInteger(elementCount(dims)))
    yield { code: "dims-invalid", text: `[${dims}] is beyond 2^53 elements.` };
}

/** Types of attributes that have one meaning in every standard operator (opset 1 to 25). */
const ATTRIBUTE_TYPES: Readonly<Record<string, readonly Attribute["type"][]>> = {
  axes: ["ints"],
  axis: ["int"],
  perm: ["ints"],
  to: ["int"],
  group: ["int"],
  kernel_shape: ["ints"],
  strides: ["ints"],
  dilations: ["ints"],
  pads: ["ints"],
  auto_pad: ["string"],
  ceil_mode: ["int"],
  epsilon: ["float"],
  momentum: ["float"],
  keepdims: ["int"],
  transA: ["int"],
  transB: ["int"],
  hidden_size: ["int"],
  direction: ["string"],
  block_size: ["int"],
  mode: ["string", "int"],
  then_branch: ["graph"],
  else_branch: ["graph"],
  body: ["graph"],
  value_float: ["float"],
  value_floats: ["floats"],
  value_int: ["int"],
  value_ints: ["ints"],
  value_string: ["string"],
  value_strings: ["strings"],
  sparse_value: ["sparse"],
};

/** Attribute types, safe integers, references, and the payloads of constants. */
export function* attributeProblems(node: Node, definition: FunctionDefinition | undefined): Generator<Finding> {
  for (const [name, attribute] of node.attributes) {
    if (attribute.type === "reference") {
      if (definition === undefined) {
        yield { code: "attribute-reference", text: `"${name}" refers to an attribute of a function, outside of one.` };
      } else if (
        !definition.attributes.includes(attribute.value) &&
        !definition.attributeDefaults.has(attribute.value)
      ) {
        yield { code: "attribute-reference", text: `"${name}" refers to "${attribute.value}", which is not declared.` };
      }
      continue;
    }
    const expected = node.domain === "" ? ATTRIBUTE_TYPES[name] : undefined;
    if (expected && !expected.includes(attribute.type)) {
      yield { code: "attribute-type", text: `"${name}" of ${node.opType} is ${attribute.type}, not ${expected[0]}.` };
    }
    if (attribute.type === "tensor") {
      for (const { code, text } of weightProblems({ ...attribute.value, sparse: undefined })) {
        yield { code, text: `attribute "${name}": ${text}` };
      }
    }
  }
}

/** The lowest IR version that a node itself asks for, and for what. 0: any. */
export function minimumIr(node: Node): { readonly version: number; readonly what: string } {
  if (node.overload !== "" || node.metadata.size > 0) {
    return { version: 10, what: node.overload !== "" ? "A function overload" : "Metadata of a node" };
  }
  for (const attribute of node.attributes.values()) {
    if (attribute.type === "reference") return { version: 8, what: "A reference to a function's attribute" };
  }
  return { version: 0, what: "" };
}
