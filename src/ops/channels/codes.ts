// What the rules of operators on codes share: which operand is what, and where scales and zero points lie. A masked channel
// holds the zero point, which stands for 0.

import type { Axis, ChannelNode, Flow } from "./rule.js";

/** Ties scale and zero point with the axis of a value that they are along; those of one number are for all. */
export function tieGrid(flow: Flow, axis: Axis, ...grids: readonly (string | undefined)[]): void {
  for (const value of grids) {
    if (!value) continue;
    const [length] = flow.dims(value);
    if (flow.dims(value).length === 1 && length! > 1) flow.tie({ value, axis: 0 }, axis);
    else for (const at of flow.dims(value).keys()) flow.free({ value, axis: at });
  }
}

/** Places of the operands of an operator on codes: value, scale, zero point, and where results and biases stand. */
export interface Operands {
  readonly x: number;
  readonly w: number;
  readonly grids: readonly number[];
  readonly bias?: number;
  readonly results: readonly number[];
}

export function operandsOf({ node, dims }: ChannelNode, list: Readonly<Record<string, Operands>>) {
  const operands = list[node.opType]!;
  const at = (index: number) => node.inputs[index] ?? "";
  const named = new Set([operands.x, operands.w, operands.bias, ...operands.grids]);
  return {
    x: at(operands.x),
    w: at(operands.w),
    y: node.outputs[0]!,
    grids: operands.grids.map(at),
    bias: operands.bias === undefined ? "" : at(operands.bias),
    // Scales and zero points of activations, of one number mostly.
    rest: node.inputs.filter(
      (value, index) => value !== "" && !named.has(index) && dims(value).every((dim) => dim === 1),
    ),
  };
}
