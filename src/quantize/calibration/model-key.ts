// What tells one model from another: a hash of its graph and of its weights, which are read as a stream.

import type { Initializer, Model } from "../../ir/model.js";
import { print } from "../../ir/print.js";
import { everyGraph, everyNode } from "../../ir/traverse.js";
import { hash } from "../../metrics/equal-weights.js";
import type { Tensor } from "../../tensor/tensor.js";
import { bytesData } from "../../tensor/tensor.js";

/** The same for models that compute the same from the same names; who made the file, and its remarks, do not count. */
export async function modelKey(model: Model, signal?: AbortSignal): Promise<string> {
  const bare = { ...model, metadata: new Map(), producerName: "", producerVersion: "", domain: "", modelVersion: 0n };
  const parts = [await textHash(print(bare))];
  const add = async (tensor: Tensor) => {
    signal?.throwIfAborted();
    for (const text of tensor.strings ?? []) parts.push(await hash(bytesData(text)));
    parts.push(await hash(tensor.data));
  };
  const constant = async (value: Initializer) => {
    if (!value.sparse) return add(value);
    await add(value.sparse.indices);
    await add(value.sparse.values);
  };
  for (const graph of everyGraph(model)) for (const value of graph.initializers.values()) await constant(value);
  for (const node of everyNode(model, { functions: true })) {
    for (const attribute of node.attributes.values()) {
      if (attribute.type === "tensor") await add(attribute.value);
      else if (attribute.type === "tensors") for (const one of attribute.value) await add(one);
      else if (attribute.type === "sparse") await constant(attribute.value);
    }
  }
  return textHash(parts.join(" "));
}

const textHash = (text: string): Promise<string> => hash(bytesData(new TextEncoder().encode(text)));
