// What a weight is multiplied by: which value of the graph, seen as rows of inputs, and how the weight is a matrix then.

import { intOf } from "../ir/attributes.js";
import type { Model, Node } from "../ir/model.js";
import { isProduct, isTable, matrixOf } from "../weights/matrix.js";
import type { Consumer, Weight } from "../weights/weights.js";

/** A value of the main graph as [groups, inputs, ...]: what statistics are taken of. */
export interface Source {
  /** The same for the same statistics. */
  readonly key: string;
  readonly value: string;
  readonly groups: number;
  readonly inputs: number;
  /** last: inputs are the last axis; first: the first of two; window: what a Conv sees through its kernel. */
  readonly form: "last" | "first" | "window";
  /** The Conv. */
  readonly node?: Node | undefined;
  /** Sizes of its kernel. */
  readonly kernel?: readonly number[] | undefined;
}

/**
 * A weight as the matrix of one product or several (grouped convolutions): element (group, output, input) stands at
 * `group * groupStride + output * outputStride + input * inputStride`.
 */
export interface ProductView {
  readonly groups: number;
  readonly outputs: number;
  readonly inputs: number;
  readonly groupStride: number;
  readonly outputStride: number;
  readonly inputStride: number;
}

export interface Product {
  /** Several where several products share the weight. */
  readonly sources: readonly Source[];
  readonly view: ProductView;
}

/** More inputs than this have a Hessian of more than 2 GiB. */
const LARGEST = 16384;

/** The products that a weight is in; or why nothing is known of what it is multiplied by. */
export function productOf(model: Model, weight: Weight): Product | { readonly obstacle: string } {
  const sources: Source[] = [];
  let view: ProductView | undefined;
  for (const consumer of weight.consumers) {
    if (isTable(consumer)) continue;
    const { node } = consumer;
    if (node === undefined) return { obstacle: "it is also an output of the model" };
    if (consumer.graph !== model.graph) return { obstacle: `${node.opType} uses it inside a subgraph` };
    const found = isProduct(consumer) ? matrixProduct(consumer, node) : convolution(weight, consumer, node);
    if ("obstacle" in found) return found;
    if (found.source.inputs > LARGEST) return { obstacle: `${found.source.inputs} inputs are too many to correlate` };
    if (view && JSON.stringify(view) !== JSON.stringify(found.view)) {
      return { obstacle: "its users read it in different orders" };
    }
    view = found.view;
    sources.push(found.source);
  }
  if (view === undefined) return { obstacle: "rows of a table are looked up, not multiplied" };
  return { sources, view };
}

type Found = { readonly source: Source; readonly view: ProductView } | { readonly obstacle: string };

function matrixProduct(consumer: Consumer, node: Node): Found {
  const matrix = matrixOf(consumer);
  if (matrix === undefined) return { obstacle: `${node.opType} reads it in an order that is not stored` };
  const { rows, columns, along } = matrix;
  const [outputs, inputs] = along === "rows" ? [columns, rows] : [rows, columns];
  const value = node.inputs[0]!;
  const first = node.opType === "Gemm" && intOf(node, "transA", 0) !== 0;
  const strides =
    along === "rows" ? { outputStride: 1, inputStride: columns } : { outputStride: columns, inputStride: 1 };
  return {
    source: {
      key: JSON.stringify([value, first ? "first" : "last"]),
      value,
      groups: 1,
      inputs,
      form: first ? "first" : "last",
    },
    view: { groups: 1, outputs, inputs, groupStride: 0, ...strides },
  };
}

function convolution(weight: Weight, { input, path }: Consumer, node: Node): Found {
  if (node.opType !== "Conv" || node.domain !== "" || input !== 1 || path.length > 0) {
    return { obstacle: `what ${node.opType} multiplies it with is not known` };
  }
  const [outputs, channels, ...kernel] = weight.tensor.dims as [number, number, ...number[]];
  const groups = intOf(node, "group", 1);
  const inputs = kernel.reduce((all, size) => all * size, channels);
  const value = node.inputs[0]!;
  const geometry = ["auto_pad", "dilations", "pads", "strides"].map((name) => {
    const attribute = node.attributes.get(name);
    return attribute && "value" in attribute ? String(attribute.value) : "";
  });
  return {
    source: {
      key: JSON.stringify([value, "window", groups, kernel, geometry]),
      value,
      groups,
      inputs,
      form: "window",
      node,
      kernel,
    },
    view: {
      groups,
      outputs: outputs / groups,
      inputs,
      groupStride: (outputs / groups) * inputs,
      outputStride: inputs,
      inputStride: 1,
    },
  };
}
