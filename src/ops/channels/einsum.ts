// Einsum: axes with the same letter are one; letters that the output lacks are summed over.

import { stringOf } from "../../ir/attributes.js";
import { type Axis, type ChannelNode, defineChannelRule } from "./rule.js";

export const einsum = defineChannelRule({
  name: "einsum",
  summary: "Sums of products along named axes",
  reference: "https://onnx.ai/onnx/operators/onnx__Einsum.html",
  operators: ["Einsum"],
  flow(flow) {
    const letters = axesOf(flow);
    if (letters === undefined) {
      const all = [...flow.node.inputs, ...flow.node.outputs];
      for (const value of all) flow.keep(value, "its Einsum has an ellipsis, or a letter twice in one operand");
      return;
    }
    const computed = flow.node.inputs.filter((value) => !flow.isFixed(value));
    for (const { axes, output } of letters.values()) {
      const [first] = axes;
      for (const other of axes) if (other !== first) flow.tie(first!, other);
      if (output) flow.tie(first!, output);
      if (output && computed.filter((value) => axes.some((axis) => axis.value === value)).length > 1) {
        flow.tag(output, "head");
      }
    }
  },
  rests(rests) {
    for (const { axes, output } of axesOf(rests)?.values() ?? []) {
      const computed = axes.filter(({ value }) => !rests.isFixed(value));
      const zero = computed.some((axis) => rests.rest(axis) === 0);
      if (!output) {
        if (!zero && computed[0]) rests.sums(computed[0], "zero");
      } else rests.leaves(output, zero || axes.some(({ value }) => rests.isFixed(value)) ? 0 : undefined);
    }
  },
});

/** Axes by letter; undefined where letters do not name axes one to one. */
function axesOf({ node, dims }: ChannelNode) {
  const [left = "", right] = stringOf(node, "equation", "").replaceAll(" ", "").split("->");
  const operands = left.split(",");
  // Without an arrow the output has all letters that come once, in order.
  const once = [...left.replaceAll(",", "")].filter(
    (letter, _, all) => all.indexOf(letter) === all.lastIndexOf(letter),
  );
  const result = right ?? once.sort().join("");
  if (left.includes(".") || operands.length !== node.inputs.length) return undefined;
  const letters = new Map<string, { axes: Axis[]; output?: Axis }>();
  for (const [at, operand] of operands.entries()) {
    const value = node.inputs[at]!;
    if (new Set(operand).size !== operand.length || dims(value).length !== operand.length) return undefined;
    for (const [axis, letter] of [...operand].entries()) {
      const entry = letters.get(letter) ?? { axes: [] };
      entry.axes.push({ value, axis });
      letters.set(letter, entry);
    }
  }
  for (const [axis, letter] of [...result].entries()) {
    const entry = letters.get(letter);
    if (entry === undefined) return undefined;
    entry.output = { value: node.outputs[0]!, axis };
  }
  return letters;
}
