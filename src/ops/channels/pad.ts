// A border around a value. Channels that are only border (the shortcuts of CIFAR ResNets) can go too: the pads along a cut
// axis are counted anew.

import { floatOf, ints, intsOf, stringOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAll, outputOf, withInput } from "./passing.js";
import { type ChannelNode, type Cut, defineChannelRule, type Rest } from "./rule.js";

export const pad = defineChannelRule({
  name: "pad",
  summary: "Pad: channels pass, those of the border can go; its pads are rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__Pad.html",
  operators: ["Pad"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const pads = padsOf(flow);
    if (pads === undefined) return keepAll(flow, "the pads are computed");
    for (const [axis, { begin, end }] of pads.entries()) {
      const [before, after] = [
        { value: from, axis },
        { value: to, axis },
      ];
      if (begin === 0 && end === 0) flow.tie(before, after);
      else if (modeOf(flow) !== "constant") {
        for (const side of [before, after]) flow.keep(side, "Pad repeats it beyond its border");
      } else {
        const length = flow.dims(to)[axis]!;
        flow.place(before, after, (position) => {
          const at = position + begin;
          return at >= 0 && at < length ? at : undefined;
        });
      }
    }
  },
  rests(rests) {
    const pads = padsOf(rests)!;
    if (pads === undefined) return;
    const border = borderOf(rests);
    for (const axis of pads.keys()) {
      const rest = rests.rest({ value: inputOf(rests, 0), axis });
      // A border of another number along any axis mixes with what the channel holds.
      const bordered = modeOf(rests) === "constant" && pads.some(({ begin, end }) => begin > 0 || end > 0);
      rests.leaves({ value: outputOf(rests, 0), axis }, bordered && rest !== border ? undefined : rest);
    }
  },
  cut(cut) {
    const pads = padsOf(cut);
    if (pads === undefined) return undefined;
    const counted = pads.map((one, axis) => recounted(cut, axis, one));
    if (counted.every(({ begin, end }, axis) => begin === pads[axis]!.begin && end === pads[axis]!.end))
      return undefined;
    const axes = axesOf(cut)!;
    const stated = [...axes.map((axis) => counted[axis]!.begin), ...axes.map((axis) => counted[axis]!.end)];
    if (cut.opset >= 11) return withInput(cut.node, 1, cut.ints(inputOf(cut, 1), stated));
    return { ...cut.node, attributes: new Map(cut.node.attributes).set("pads", ints(stated)) };
  },
});

interface Pads {
  readonly begin: number;
  readonly end: number;
}

const modeOf = ({ node }: ChannelNode) => stringOf(node, "mode", "constant");

function borderOf(node: ChannelNode): Rest {
  if (node.opset < 11) return floatOf(node.node, "value", 0);
  return inputOf(node, 2) === "" ? 0 : node.numbers(inputOf(node, 2))?.[0];
}

/** Axes that pads are stated for; undefined where these are computed. */
function axesOf(node: ChannelNode): number[] | undefined {
  const rank = node.dims(inputOf(node, 0)).length;
  const stated = inputOf(node, 3);
  if (stated === "") return [...Array(rank).keys()];
  return node.numbers(stated)?.map((axis) => fromFront(axis, rank));
}

/** Of every axis; undefined where they are computed. */
function padsOf(node: ChannelNode): Pads[] | undefined {
  const stated = node.opset < 11 ? intsOf(node.node, "pads") : node.numbers(inputOf(node, 1));
  const axes = axesOf(node);
  if (stated === undefined || axes === undefined) return undefined;
  const pads: Pads[] = node.dims(inputOf(node, 0)).map(() => ({ begin: 0, end: 0 }));
  for (const [at, axis] of axes.entries()) pads[axis] = { begin: stated[at]!, end: stated[at + axes.length]! };
  return pads;
}

/** Pads that still do the same: a border counts what is left of it, a crop what was left of what it crops. */
function recounted(cut: Cut, axis: number, { begin, end }: Pads): Pads {
  const [before, after] = [
    { value: inputOf(cut, 0), axis },
    { value: outputOf(cut, 0), axis },
  ];
  const kept = cut.kept(before);
  const left = cut.kept(after);
  const [length, size] = [cut.dims(before.value)[axis]!, cut.dims(after.value)[axis]!];
  const count = (positions: readonly number[] | undefined, from: number, to: number) =>
    positions === undefined ? to - from : positions.filter((position) => position >= from && position < to).length;
  return {
    begin: begin >= 0 ? count(left, 0, begin) : 0 - count(kept, 0, -begin),
    end: end >= 0 ? count(left, size - end, size) : 0 - count(kept, length + end, length),
  };
}
