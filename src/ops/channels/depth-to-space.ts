// Channels that become pixels, and back: all channels that one channel is made of stay or go together.

import { intOf, stringOf } from "../../ir/attributes.js";
import { inputOf, outputOf } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const depthToSpace = defineChannelRule({
  name: "depth-to-space",
  summary: "DepthToSpace, SpaceToDepth: channels of one block stay or go together",
  reference: "https://onnx.ai/onnx/operators/onnx__DepthToSpace.html",
  operators: ["DepthToSpace", "SpaceToDepth"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const deepens = flow.node.opType === "SpaceToDepth";
    const area = intOf(flow.node, "blocksize", 1) ** 2;
    const [deep, flat] = deepens ? [to, from] : [from, to];
    const channels = flow.dims(flat)[1]!;
    // CRD: the channel is the outer part of the index; else the inner.
    const outer = stringOf(flow.node, "mode", "DCR") === "CRD";
    flow.tie({ value: from, axis: 0 }, { value: to, axis: 0 });
    flow.place({ value: deep, axis: 1 }, { value: flat, axis: 1 }, (position) =>
      outer ? Math.floor(position / area) : position % channels,
    );
    for (const value of [from, to]) {
      for (const axis of [2, 3]) flow.keep({ value, axis }, `${flow.node.opType} takes blocks of pixels along it`);
    }
  },
  rests: (rests) => rests.carries(),
});
