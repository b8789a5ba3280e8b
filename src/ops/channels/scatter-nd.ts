// Parts written by tuples of indices: the indexed axes stay, those behind them pass.

import { inputOf, keepAxes, outputOf } from "./passing.js";
import { type Axis, type ChannelNode, defineChannelRule } from "./rule.js";

export const scatterNd = defineChannelRule({
  name: "scatter-nd",
  summary: "ScatterND: the axes behind the indexed ones pass",
  reference: "https://onnx.ai/onnx/operators/onnx__ScatterND.html",
  operators: ["ScatterND"],
  flow(flow) {
    const [data, indices, updates, to] = [inputOf(flow, 0), inputOf(flow, 1), inputOf(flow, 2), outputOf(flow, 0)];
    const depth = flow.dims(indices).at(-1)!;
    const reason = "parts are written along it by index";
    for (const value of [data, to]) keepAxes(flow, value, (axis) => axis < depth, reason);
    keepAxes(flow, updates, (axis) => axis < flow.dims(indices).length - 1, reason);
    for (const { from, written, out } of behind(flow)) {
      flow.tie(from, out);
      flow.tie(written, out);
    }
  },
  rests(rests) {
    const plain = rests.node.attributes.get("reduction") === undefined;
    for (const { from, written, out } of behind(rests)) {
      const rest = rests.rest(from);
      rests.leaves(out, rest === rests.rest(written) && (plain || rest === 0) ? rest : undefined);
    }
  },
});

interface Behind {
  readonly from: Axis;
  readonly written: Axis;
  readonly out: Axis;
}

function behind(node: ChannelNode): Behind[] {
  const [data, indices, updates, to] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2), outputOf(node, 0)];
  const depth = node.dims(indices).at(-1)!;
  const shift = node.dims(updates).length - node.dims(data).length;
  return [...node.dims(data).keys()]
    .filter((axis) => axis >= depth)
    .map((axis) => ({
      from: { value: data, axis },
      written: { value: updates, axis: axis + shift },
      out: { value: to, axis },
    }));
}
