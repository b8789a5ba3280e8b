// Gemm: alpha * A B + beta * C of matrices, each of which may be transposed.

import { floatOf, intOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { foldedBias } from "./fold.js";
import { type Axis, type ChannelNode, defineChannelRule } from "./rule.js";

export const gemm = defineChannelRule({
  name: "gemm",
  summary: "Matrix product with a bias",
  reference: "https://onnx.ai/onnx/operators/onnx__Gemm.html",
  operators: ["Gemm"],
  flow(flow) {
    const { c, y, sum, rows, columns } = axes(flow);
    flow.tie(sum.a, sum.b);
    flow.tie(...rows);
    flow.tie(...columns);
    if (!c) return;
    const dims = flow.dims(c);
    for (const [axis, length] of dims.entries()) {
      const to = { value: y, axis: axis + 2 - dims.length };
      if (length === flow.dims(y)[to.axis]) flow.tie({ value: c, axis }, to);
      else flow.free({ value: c, axis });
    }
  },
  rests(rests) {
    const { a, b, c, sum, rows, columns } = axes(rests);
    if (rests.isFixed(b)) rests.sums(sum.a, rests.isFoldable(b) && takesShare(rests) ? "number" : "zero");
    else if (rests.isFixed(a)) rests.sums(sum.b, "zero");
    else if (rests.rest(sum.b) !== 0) rests.sums(sum.a, "zero");
    const biased = (along: "rows" | "columns") => {
      if (!c) return false;
      const dims = rests.dims(c);
      const axis = along === "columns" ? dims.length - 1 : dims.length - 2;
      // A bias that has not these channels is added to all of them.
      if ((dims[axis] ?? 1) === 1) return true;
      return !rests.isFixed(c) && rests.rest({ value: c, axis }) !== 0;
    };
    rests.leaves(rows[1], rests.rest(rows[0]) === 0 && !biased("rows") ? 0 : undefined);
    rests.leaves(columns[1], rests.rest(columns[0]) === 0 && !biased("columns") ? 0 : undefined);
  },
  cut(cut) {
    const { a, b, c, sum, columns } = axes(cut);
    const rest = cut.rest(sum.a);
    const kept = cut.kept(sum.b);
    const weight = cut.weight(b);
    if (kept === undefined || rest === undefined || rest === 0 || weight === undefined) return undefined;
    const [alpha, beta] = [floatOf(cut.node, "alpha", 1), floatOf(cut.node, "beta", 1)];
    const folded = foldedBias({
      weight,
      outputAxis: columns[0].axis,
      reductionAxis: sum.b.axis,
      outputs: cut.kept(columns[0]),
      kept,
      rest: (rest * alpha) / beta,
      bias: c ? cut.weight(c) : undefined,
    });
    return { ...cut.node, inputs: [a, b, cut.constant(`${b}_bias`, folded)] };
  },
});

/** Whether what a channel leaves can be added to C: it is left out, or a constant of one number a column. */
function takesShare(node: ChannelNode): boolean {
  const { c, columns } = axes(node);
  if (floatOf(node.node, "beta", 1) === 0) return false;
  if (!c) return true;
  const count = node.dims(c).reduce((all, dim) => all * dim, 1);
  return (
    node.isFoldable(c) &&
    (count === 1 || count === node.dims(columns[0].value)[columns[0].axis]) &&
    node.dims(c).at(-1) === count
  );
}

function axes({ node }: { readonly node: Node }) {
  const [a, b, c = ""] = node.inputs as readonly [string, string, string?];
  const y = node.outputs[0]!;
  const [left, right] = [intOf(node, "transA", 0), intOf(node, "transB", 0)];
  const rows: [Axis, Axis] = [
    { value: a, axis: left === 0 ? 0 : 1 },
    { value: y, axis: 0 },
  ];
  const columns: [Axis, Axis] = [
    { value: b, axis: right === 0 ? 1 : 0 },
    { value: y, axis: 1 },
  ];
  const sum = { a: { value: a, axis: left === 0 ? 1 : 0 }, b: { value: b, axis: right === 0 ? 0 : 1 } };
  return { a, b, c, y, sum, rows, columns };
}
