// Another resolution: channels pass where their axis keeps its length, and sizes that are stated for it follow.

import { intsOf, stringOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAxes, outputOf, withInput } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";
import { withEntries } from "./sizes.js";

export const resize = defineChannelRule({
  name: "resize",
  summary: "Resize, Upsample: channels pass, stated sizes are rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__Resize.html",
  operators: ["Resize", "Upsample"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const same = unscaled(flow);
    for (const axis of flow.dims(from).keys()) {
      if (same(axis)) flow.tie({ value: from, axis }, { value: to, axis });
    }
    for (const value of [from, to]) keepAxes(flow, value, (axis) => !same(axis), "Resize samples along it");
  },
  rests: (rests) => rests.carries(),
  cut(cut) {
    const sizes = sizesOf(cut);
    if (sizes === "") return undefined;
    const to = outputOf(cut, 0);
    const changed = new Map<number, number>();
    for (const [at, axis] of axesOf(cut).entries()) {
      if (cut.kept({ value: to, axis }) !== undefined) changed.set(at, cut.after(to)[axis]!);
    }
    const rewritten = withEntries(cut, sizes, changed);
    return rewritten.value === sizes ? undefined : [...rewritten.nodes, withInput(cut.node, 3, rewritten.value)];
  },
});

const isUpsample = ({ node }: ChannelNode) => node.opType === "Upsample";
const sizesOf = (node: ChannelNode) => (isUpsample(node) ? "" : inputOf(node, 3));

function axesOf(node: ChannelNode): number[] {
  const rank = node.dims(inputOf(node, 0)).length;
  return intsOf(node.node, "axes")?.map((axis) => fromFront(axis, rank)) ?? [...Array(rank).keys()];
}

/** Axes that surely hold the same positions before and after. */
function unscaled(node: ChannelNode): (axis: number) => boolean {
  const [from, to] = [node.dims(inputOf(node, 0)), node.dims(outputOf(node, 0))];
  const axes = axesOf(node);
  // These move or shrink axes whose length stays the same.
  const crops = stringOf(node.node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  const fits = stringOf(node.node, "keep_aspect_ratio_policy", "stretch") !== "stretch";
  const scales = scalesOf(node);
  return (axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return true;
    if (crops || from[axis] !== to[axis]) return false;
    return sizesOf(node) !== "" ? !fits : scales?.[at] === 1;
  };
}

function scalesOf(node: ChannelNode): readonly number[] | undefined {
  if (isUpsample(node) && node.opset < 9) {
    const given = node.node.attributes.get("scales");
    return given?.type === "floats" ? given.value : undefined;
  }
  return node.numbers(inputOf(node, isUpsample(node) || node.opset < 11 ? 1 : 2));
}
