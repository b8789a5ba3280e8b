// MatMul: sums over the last axis of one operand and the last but one of the other; axes before them are a batch.

import { makeNode } from "../../ir/build.js";
import { foldedBias } from "./fold.js";
import { type Axis, type ChannelNode, defineChannelRule } from "./rule.js";

export const matmul = defineChannelRule({
  name: "matmul",
  summary:
    "Matrix product: columns of the second operand make channels; a batch of two computed operands is one of heads",
  reference: "https://onnx.ai/onnx/operators/onnx__MatMul.html",
  operators: ["MatMul"],
  flow(flow) {
    const { a, b, y, sum, rows, columns, batches } = axes(flow);
    flow.tie(sum.a, sum.b);
    if (rows) flow.tie(...rows);
    if (columns) flow.tie(...columns);
    const computed = !flow.isFixed(a) && !flow.isFixed(b);
    for (const { from, to, shared } of batches) {
      if (flow.dims(from.value)[from.axis] === flow.dims(to.value)[to.axis]) flow.tie(from, to);
      else flow.free(from);
      if (computed && shared) flow.tag(from, "head");
    }
    for (let axis = 0; axis < flow.dims(y).length; axis++) flow.free({ value: y, axis });
  },
  rests(rests) {
    const { a, b, sum, rows, columns, batches } = axes(rests);
    const held = (value: string, axis: Axis) => (rests.isFixed(value) ? undefined : rests.rest(axis));
    if (rests.isFixed(b))
      rests.sums(sum.a, columns && rests.isFoldable(b) && rests.dims(b).length === 2 ? "number" : "zero");
    else if (rests.isFixed(a)) rests.sums(sum.b, "zero");
    else if (held(b, sum.b) !== 0) rests.sums(sum.a, "zero");
    // Constant rows and columns make channels: masking sets them to zero.
    const zero = (axis: Axis) => (rests.rest(axis) === 0 ? 0 : undefined);
    if (rows) rests.leaves(rows[1], zero(rows[0]));
    if (columns) rests.leaves(columns[1], zero(columns[0]));
    for (const { from, to } of batches) {
      if (rests.dims(from.value)[from.axis]! > 1 && held(from.value, from) === 0) rests.leaves(to, 0);
    }
  },
  cut(cut) {
    const { b, y, sum, columns } = axes(cut);
    const rest = cut.rest(sum.a);
    const kept = cut.kept(sum.b);
    const weight = cut.weight(b);
    if (kept === undefined || rest === undefined || rest === 0 || weight === undefined || !columns) return undefined;
    const folded = foldedBias({
      weight,
      outputAxis: 1,
      reductionAxis: 0,
      outputs: cut.kept(columns[0]),
      kept,
      rest,
      bias: undefined,
    });
    const product = cut.fresh(`${y}_product`);
    const bias = cut.constant(`${b}_bias`, folded);
    return [
      { ...cut.node, outputs: [product] },
      makeNode("Add", [product, bias], [y], { name: `${cut.node.name}_bias` }),
    ];
  },
});

function axes(node: ChannelNode) {
  const [a, b] = node.node.inputs as readonly [string, string];
  const y = node.node.outputs[0]!;
  const [left, right, rank] = [node.dims(a).length, node.dims(b).length, node.dims(y).length];
  const sum = { a: { value: a, axis: left - 1 }, b: { value: b, axis: Math.max(right - 2, 0) } };
  // Vectors have no rows or no columns, and the product lacks them.
  const columns: [Axis, Axis] | undefined =
    right > 1
      ? [
          { value: b, axis: right - 1 },
          { value: y, axis: rank - 1 },
        ]
      : undefined;
  const row = rank - (right > 1 ? 2 : 1);
  const rows: [Axis, Axis] | undefined =
    left > 1
      ? [
          { value: a, axis: left - 2 },
          { value: y, axis: row },
        ]
      : undefined;
  const count = rank - (rows ? 1 : 0) - (columns ? 1 : 0);
  const batches = [[a, left] as const, [b, right] as const].flatMap(([value, length]) =>
    Array.from({ length: Math.max(length - 2, 0) }, (_, axis) => {
      const to = axis + count - Math.max(length - 2, 0);
      return { from: { value, axis }, to: { value: y, axis: to }, shared: Math.min(left, right) > 2 };
    }),
  );
  return { a, b, y, sum, rows, columns, batches };
}
