// How many bytes of weights a graph holds, in its subgraphs too: what decides how it is handed to the runtime.

import type { Graph, Initializer, Node } from "../ir/model.js";
import { subgraphs } from "../ir/traverse.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * Bytes that a session takes at its peak for each byte of weights, measured on ONNX Runtime: the file's bytes, the
 * runtime's copy and its prepacked form are 2.2 for a float model. Self-extracting weights are float again once loaded:
 * take the larger of a result and its original for both.
 */
export const SESSION_FACTOR = 2.5;

export function weightBytes(graph: Graph): number {
  let bytes = 0;
  for (const initializer of graph.initializers.values()) bytes += initializerBytes(initializer);
  for (const node of graph.nodes) bytes += nodeBytes(node);
  return bytes;
}

export const initializerBytes = (initializer: Initializer): number =>
  initializer.sparse
    ? tensorBytes(initializer.sparse.values) + tensorBytes(initializer.sparse.indices)
    : tensorBytes(initializer);

/** Bytes of the tensors among a node's attributes (Constant) and in its subgraphs. */
export function nodeBytes(node: Node): number {
  let bytes = 0;
  for (const attribute of node.attributes.values()) {
    if (attribute.type === "tensor") bytes += tensorBytes(attribute.value);
    else if (attribute.type === "tensors") for (const one of attribute.value) bytes += tensorBytes(one);
    else if (attribute.type === "sparse") bytes += initializerBytes(attribute.value);
  }
  for (const graph of subgraphs(node)) bytes += weightBytes(graph);
  return bytes;
}

function tensorBytes(tensor: Tensor): number {
  if (tensor.strings === undefined) return tensor.data.byteLength;
  return tensor.strings.reduce((sum, text) => sum + text.byteLength, 0);
}
