// What a node that leaves the GPU costs: values that were made there and must come down, and results that must go up.

import type { NodeView } from "./node-view.js";

/** Inputs that GPU kernels read on the CPU, from this index on: shapes, axes, bounds. */
const HOST_FROM: Readonly<Record<string, number>> = {
  Reshape: 1,
  Expand: 1,
  Slice: 1,
  Squeeze: 1,
  Unsqueeze: 1,
  Tile: 1,
  Pad: 1,
  Resize: 1,
  Split: 1,
  TopK: 1,
  CumSum: 1,
  OneHot: 1,
  Range: 0,
  ConstantOfShape: 0,
  If: 0,
  Loop: 0,
  ReduceSum: 1,
  ReduceMean: 1,
  ReduceMax: 1,
  ReduceMin: 1,
};

/** They give sizes, which stay on the CPU wherever they run. */
const SIZES = new Set(["Shape", "Size"]);

/** `at`: index of the provider that runs a node, 0 the first; undefined where none does. */
export function copiesOf(
  view: NodeView,
  at: (view: NodeView) => number | undefined,
): { readonly in: number; readonly out: number } {
  const onGpu = (one: NodeView) => at(one) === 0 && !one.call && one.node.opType !== "Constant";
  const down = [...new Set(view.node.inputs)].filter((name) => {
    const maker = view.constant(name) === undefined ? view.producer(name) : undefined;
    return maker !== undefined && onGpu(maker) && !SIZES.has(maker.node.opType);
  });
  const up = view.node.outputs.filter(
    (name) => name !== "" && view.users.some((user) => onGpu(user) && readsOnGpu(user, name)),
  );
  return { in: down.length, out: up.length };
}

const readsOnGpu = ({ node }: NodeView, name: string): boolean => {
  const from = HOST_FROM[node.opType] ?? Number.POSITIVE_INFINITY;
  return node.inputs.some((input, i) => input === name && i < from) && !SIZES.has(node.opType);
};
