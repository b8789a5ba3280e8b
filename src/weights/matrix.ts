// A weight as the products and lookups that read it see it: one matrix, flat in the file in one of two orders.

import { intOf } from "../ir/attributes.js";
import type { DType } from "../tensor/dtype.js";
import { matrixOrder, viewDims } from "./views.js";
import type { Consumer, Weight } from "./weights.js";

export interface Matrix {
  /** As the bytes stand in the file, row after row. */
  readonly rows: number;
  readonly columns: number;
  /** The axis that blocks run along: what is summed over, or a row of a table. */
  readonly along: "rows" | "columns";
  /** The type that its users compute in. */
  readonly dtype: DType;
}

export const isTable = ({ node, input }: Consumer): boolean =>
  node?.opType === "Gather" && node.domain === "" && input === 0 && intOf(node, "axis", 0) === 0;

export const isProduct = ({ node, input }: Consumer): boolean =>
  (node?.opType === "MatMul" || node?.opType === "Gemm") && node.domain === "" && input === 1;

/** What one user reads; undefined: no such matrix, or one whose elements stand in neither order. */
export function matrixOf(consumer: Consumer): Matrix | undefined {
  const order = matrixOrder(consumer.view);
  if (order === undefined) return undefined;
  const [first, second] = viewDims(consumer.view) as [number, number];
  const [rows, columns] = order === "rows" ? [first, second] : [second, first];
  const { dtype } = consumer.view;
  if (isTable(consumer)) return order === "rows" ? { rows, columns, along: "columns", dtype } : undefined;
  // [K, N] is summed over its first axis, [N, K] over its second.
  const summed = intOf(consumer.node!, "transB", 0) === 0 ? "rows" : "columns";
  return { rows, columns, along: order === "rows" ? summed : summed === "rows" ? "columns" : "rows", dtype };
}

/** The one matrix that all users of a weight read, as far as `reads` says that they can; else why not. */
export function sharedMatrix(
  weight: Weight,
  reads: (consumer: Consumer) => boolean,
): Matrix | { readonly obstacle: string } {
  let found: Matrix | undefined;
  for (const consumer of weight.consumers) {
    if (!reads(consumer)) {
      return { obstacle: `${consumer.node?.opType ?? "the model's output"} cannot read packed weights` };
    }
    if (consumer.view.axes.length !== 2) return { obstacle: `it has ${consumer.view.axes.length} axes, not 2` };
    const matrix = matrixOf(consumer);
    if (matrix === undefined) return { obstacle: `${consumer.node?.opType} reads it in an order that is not stored` };
    found ??= matrix;
    if (found.along !== matrix.along || found.rows !== matrix.rows || found.columns !== matrix.columns) {
      return { obstacle: "its users read it in different orders" };
    }
    if (found.dtype !== matrix.dtype) return { obstacle: "its users compute in different types" };
  }
  return found ?? { obstacle: "nobody uses it" };
}

/** Rows of products, or of a table, and how long each is. */
export const sidesOf = ({ rows, columns, along }: Matrix): { readonly outer: number; readonly inner: number } =>
  along === "rows" ? { outer: columns, inner: rows } : { outer: rows, inner: columns };
