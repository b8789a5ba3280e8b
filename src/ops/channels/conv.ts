// Convolution: reads channels along axis 1, makes one channel a filter. Weight [O, I / groups, ...kernel].

import { int, intOf, intsOf, stringOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { foldedBias } from "./fold.js";
import { type ChannelNode, type Cut, defineChannelRule } from "./rule.js";

export const conv = defineChannelRule({
  name: "conv",
  summary: "Convolution: filters make channels, also in groups and depthwise",
  reference: "https://onnx.ai/onnx/operators/onnx__Conv.html",
  operators: ["Conv"],
  flow(flow) {
    const { x, w, b, y } = names(flow.node);
    const { groups, inputs, outputs } = layout(flow);
    flow.tie({ value: x, axis: 0 }, { value: y, axis: 0 });
    flow.tag({ value: y, axis: 1 }, "filter");
    flow.tag({ value: x, axis: 1 }, "filter");
    flow.tie({ value: w, axis: 0 }, { value: y, axis: 1 });
    if (b) flow.tie({ value: b, axis: 0 }, { value: y, axis: 1 });
    if (inputs === 1 && groups > 1) {
      // Depthwise: every input channel has outputs of its own, and goes with them.
      flow.place({ value: y, axis: 1 }, { value: x, axis: 1 }, (output) => Math.floor(output / outputs));
      flow.free({ value: w, axis: 1 });
    } else {
      // The same channels of each group, so that groups stay equal.
      flow.place({ value: x, axis: 1 }, { value: w, axis: 1 }, (channel) => channel % inputs);
      if (groups > 1) flow.bundle({ value: y, axis: 1 }, (output) => output % outputs);
    }
    for (let axis = 2; axis < flow.dims(x).length; axis++) {
      for (const value of [x, w, y]) flow.keep({ value, axis }, "a convolution slides along it");
    }
  },
  rests(rests) {
    const { x, w, b, y } = names(rests.node);
    const { groups, inputs } = layout(rests);
    const masked = rests.isFixed(w) || rests.rest({ value: w, axis: 0 }) === 0;
    const unbiased = !b || rests.isFixed(b) || rests.rest({ value: b, axis: 0 }) === 0;
    rests.leaves({ value: y, axis: 1 }, masked && unbiased ? 0 : undefined);
    if (inputs === 1 && groups > 1) return;
    if (padded(rests.node)) rests.sums({ value: x, axis: 1 }, "zero", "zeros are padded around it");
    else rests.sums({ value: x, axis: 1 }, rests.isFoldable(w) ? "number" : "zero");
  },
  cut(cut) {
    const { x, w, y } = names(cut.node);
    const { groups, inputs } = layout(cut);
    if (inputs === 1 && groups > 1) return withGroups(cut.node, cut.after(x)[1]!);
    const rest = cut.rest({ value: x, axis: 1 });
    const kept = cut.kept({ value: w, axis: 1 });
    if (kept === undefined || rest === undefined || rest === 0) return undefined;
    return biased(cut, kept, rest, cut.kept({ value: y, axis: 1 }));
  },
});

function biased(cut: Cut, kept: readonly number[], rest: number, outputs: readonly number[] | undefined): Node {
  const { x, w, b } = names(cut.node);
  const weight = cut.weight(w);
  const bias = b ? cut.weight(b) : undefined;
  const folded = foldedBias({ weight: weight!, outputAxis: 0, reductionAxis: 1, outputs, kept, rest, bias });
  return { ...cut.node, inputs: [x, w, cut.constant(`${w}_bias`, folded)] };
}

const names = ({ inputs, outputs }: Node) => ({ x: inputs[0]!, w: inputs[1]!, b: inputs[2] ?? "", y: outputs[0]! });

function layout(node: ChannelNode) {
  const { w, y } = names(node.node);
  const groups = intOf(node.node, "group", 1);
  return { groups, inputs: node.dims(w)[1]!, outputs: node.dims(y)[1]! / groups };
}

const withGroups = (node: Node, groups: number): Node => ({
  ...node,
  attributes: new Map(node.attributes).set("group", int(groups)),
});

/** Whether zeros are read around the input: then a channel that holds a number is not constant there. */
function padded(node: Node): boolean {
  const mode = stringOf(node, "auto_pad", "NOTSET");
  if (mode === "VALID") return false;
  if (mode !== "NOTSET") return intsOf(node, "kernel_shape")?.every((size) => size === 1) !== true;
  return intsOf(node, "pads")?.some((pad) => pad !== 0) === true;
}
