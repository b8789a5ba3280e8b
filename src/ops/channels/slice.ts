// Some positions of some axes. Where bounds are constant, each position that is taken is coupled with its own; bounds of a
// cut axis are counted anew.

import { intsOf } from "../../ir/attributes.js";
import { makeNode } from "../../ir/build.js";
import type { Node } from "../../ir/model.js";
import { fromFront, inputOf, outputOf, passAll } from "./passing.js";
import { type ChannelNode, type Cut, defineChannelRule } from "./rule.js";

export const slice = defineChannelRule({
  name: "slice",
  summary: "Slice with constant bounds: the positions taken; its bounds are rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__Slice.html",
  operators: ["Slice"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const axes = axesOf(flow);
    if (axes === undefined) {
      for (const value of [from, to]) flow.keep(value, "the axes of Slice are computed");
      return;
    }
    passAll(flow, from, to, (axis) => axes.includes(axis));
    const ranges = rangesOf(flow, axes);
    for (const along of axes) {
      const taken = ranges?.get(along) && positions(ranges.get(along)!, flow.dims(from)[along]!);
      if (taken !== undefined && taken.length === flow.dims(to)[along]) {
        flow.place({ value: to, axis: along }, { value: from, axis: along }, (position) => taken[position]);
      } else {
        const reason = "the bounds of Slice along it are computed";
        for (const value of [from, to]) flow.keep({ value, axis: along }, reason);
      }
    }
  },
  rests: (rests) => rests.carries(),
  cut(cut) {
    const from = inputOf(cut, 0);
    const axes = axesOf(cut);
    const ranges = axes && rangesOf(cut, axes);
    if (axes?.some((axis) => cut.kept({ value: from, axis }) !== undefined) !== true || ranges === undefined)
      return undefined;
    return rewritten(cut, ranges);
  },
});

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Undefined where they are computed. */
function axesOf(node: ChannelNode): number[] | undefined {
  const rank = node.dims(inputOf(node, 0)).length;
  const older = node.opset < 10;
  const count = older ? intsOf(node.node, "starts")!.length : node.dims(inputOf(node, 1))[0]!;
  const inOrder = [...Array(count).keys()];
  const stated = inputOf(node, 3);
  const given = older ? (intsOf(node.node, "axes") ?? inOrder) : stated === "" ? inOrder : node.numbers(stated);
  return given?.map((axis) => fromFront(axis, rank));
}

function rangesOf(node: ChannelNode, axes: readonly number[]): Map<number, Range> | undefined {
  const starts = node.opset < 10 ? intsOf(node.node, "starts") : node.numbers(inputOf(node, 1));
  const ends = node.opset < 10 ? intsOf(node.node, "ends") : node.numbers(inputOf(node, 2));
  const steps = inputOf(node, 4) === "" ? axes.map(() => 1) : node.numbers(inputOf(node, 4));
  if (starts === undefined || ends === undefined || steps === undefined) return undefined;
  return new Map(axes.map((axis, at) => [axis, { start: starts[at]!, end: ends[at]!, step: steps[at]! }]));
}

/** Input positions in the order of the output, as the specification clamps them. */
function positions({ start, end, step }: Range, length: number): number[] {
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (bound: number) => Math.min(Math.max(fromFront(bound, length), low), high);
  const first = Math.max(clamp(start), 0);
  const taken: number[] = [];
  for (let at = first; step > 0 ? at < clamp(end) : at > clamp(end); at += step) taken.push(at);
  return taken;
}

/** New bounds; where what is left lies at no regular distance, a Gather of these positions. */
function rewritten(cut: Cut, ranges: ReadonlyMap<number, Range>): Node[] {
  const from = inputOf(cut, 0);
  const bounds: (Range & { readonly axis: number })[] = [];
  const gathers: { readonly axis: number; readonly taken: readonly number[] }[] = [];
  for (const [axis, range] of ranges) {
    const kept = cut.kept({ value: from, axis });
    if (kept === undefined) {
      bounds.push({ ...range, axis });
      continue;
    }
    const place = new Map(kept.map((position, at) => [position, at]));
    const taken = positions(range, cut.dims(from)[axis]!).flatMap((position) => place.get(position) ?? []);
    const regular = regularRange(taken, kept.length);
    if (regular === undefined) gathers.push({ axis, taken });
    else bounds.push({ ...regular, axis });
  }
  const nodes: Node[] = [];
  let value = from;
  const add = (last: boolean, make: (input: string, output: string) => Node) => {
    const output = last ? outputOf(cut, 0) : cut.fresh(outputOf(cut, 0));
    nodes.push(make(value, output));
    value = output;
  };
  if (bounds.length > 0) add(gathers.length === 0, (input, output) => sliceNode(cut, bounds, input, output));
  for (const [at, { axis, taken }] of gathers.entries()) {
    const indices = cut.ints(`${from}_positions`, taken);
    add(at === gathers.length - 1, (input, output) =>
      makeNode("Gather", [input, indices], [output], { attributes: { axis } }),
    );
  }
  return nodes;
}

function sliceNode(
  cut: Cut,
  bounds: readonly (Range & { readonly axis: number })[],
  input: string,
  output: string,
): Node {
  const starts = bounds.map(({ start }) => exact(start));
  const ends = bounds.map(({ end }) => exact(end));
  const axes = bounds.map(({ axis }) => axis);
  const name = cut.node.name;
  if (cut.opset < 10) return makeNode("Slice", [input], [output], { name, attributes: { starts, ends, axes } });
  const steps = bounds.map(({ step }) => step);
  const given = [cut.ints("starts", starts), cut.ints("ends", ends), cut.ints("axes", axes)];
  if (steps.some((step) => step !== 1)) given.push(cut.ints("steps", steps));
  return makeNode("Slice", [input, ...given], [output], { name });
}

/** Bounds like the largest int64 mean "to the end", and are no exact numbers here. */
const exact = (bound: number) => Math.min(Math.max(bound, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);

function regularRange(taken: readonly number[], length: number): Range | undefined {
  const start = taken[0] ?? 0;
  const step = taken.length < 2 ? 1 : taken[1]! - start;
  if (taken.some((position, at) => position !== start + at * step)) return undefined;
  const end = start + taken.length * step;
  // Before the front: a bound below -length, since -1 would be the last position.
  return { start, end: end < 0 ? -length - 1 : end, step };
}
