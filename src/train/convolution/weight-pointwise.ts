// Weight gradient of a 1x1 convolution: dW = sum over n of dY_n X_n^T, without im2col. Strides read a slice.

import type { Emitter } from "../emitter.js";
import { columns } from "./columns.js";
import type { Convolution } from "./geometry.js";

/** Kernel of one element, any stride and padding, any groups. Gives [M, C / groups, 1 ...]. */
export function weightByProduct(emit: Emitter, c: Convolution, names: { x: string; dy: string }): string {
  const places = c.output.reduce((all, one) => all * one, 1);
  const [read] = columns(emit, c, names.x);
  const flat = (name: string, channels: number) => {
    const dims = c.groups === 1 ? [c.batch, channels, places] : [c.batch, c.groups, channels / c.groups, places];
    return emit.reshape(name, dims);
  };
  const products = emit.matmul(flat(names.dy, c.filters), emit.swap(flat(read!, c.channels)));
  return emit.reshape(emit.reduceSum(products, [0], false), [c.filters, c.channels / c.groups, ...c.kernel]);
}
