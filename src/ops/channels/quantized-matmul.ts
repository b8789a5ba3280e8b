// Matrix products of codes.

import { type Operands, operandsOf, tieGrid } from "./codes.js";
import { defineChannelRule } from "./rule.js";

const PRODUCTS: Readonly<Record<string, Operands>> = {
  QLinearMatMul: { x: 0, w: 3, grids: [4, 5], results: [6, 7] },
  MatMulInteger: { x: 0, w: 1, grids: [3], results: [] },
};

export const quantizedMatMul = defineChannelRule({
  name: "quantized-matmul",
  summary: "Matrix product of codes with a weight of two axes",
  reference: "https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html",
  operators: Object.keys(PRODUCTS),
  flow(flow) {
    const { x, w, y, grids, rest } = operandsOf(flow, PRODUCTS);
    if (flow.dims(w).length !== 2 || !flow.isFixed(w)) {
      for (const value of [x, w, y]) flow.keep(value, "its operator multiplies codes that are both computed");
      return;
    }
    const last = flow.dims(x).length - 1;
    flow.tie({ value: x, axis: last }, { value: w, axis: 0 });
    flow.tie({ value: w, axis: 1 }, { value: y, axis: last });
    for (let axis = 0; axis < last; axis++) flow.tie({ value: x, axis }, { value: y, axis });
    tieGrid(flow, { value: w, axis: 1 }, ...grids);
    for (const value of rest) for (const axis of flow.dims(value).keys()) flow.free({ value, axis });
  },
  rests(rests) {
    const { x, w, y } = operandsOf(rests, PRODUCTS);
    const last = rests.dims(x).length - 1;
    if (rests.dims(w).length !== 2) return;
    rests.sums({ value: x, axis: last }, "zero");
    rests.leaves({ value: y, axis: last }, rests.isFixed(w) ? 0 : undefined);
  },
});
