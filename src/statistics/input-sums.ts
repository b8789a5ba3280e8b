// Statistics of what weights are multiplied by, computed by the engine: sums of products of two inputs (the Gram matrix, half of
// GPTQ's Hessian), or sums of squares of each. In float32 within a sample, over samples in float64.

import { adaptFeeds } from "../engine/feeds.js";
import { withSession } from "../engine/session.js";
import { attribute, int, ints } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import type { Graph, Initializer, Model, Node } from "../ir/model.js";
import { ancestry } from "../ir/traverse.js";
import type { StepContext } from "../step/step.js";
import { DTYPES } from "../tensor/dtype.js";
import { float32, int64 } from "../tensor/tensor.js";
import { calibrationData, ONE_THREAD } from "./data.js";
import type { Source } from "./products.js";

export type Statistic = "gram" | "squares";

/** By key of the source: gram [groups, inputs, inputs], squares [groups, inputs]; sums over everything that came in. */
export type Sums = ReadonlyMap<string, Float64Array>;

export const sumBytes = ({ groups, inputs }: Source, statistic: Statistic): number =>
  8 * groups * inputs * (statistic === "gram" ? inputs : 1);

/** One pass over the samples, on one thread. Throws `invalid("calibration-empty")`, and what the runtime throws. */
export async function sumsOver(
  model: Model,
  sources: readonly Source[],
  statistic: Statistic,
  samples: number,
  context: StepContext,
): Promise<Sums> {
  const own = [...new Map(sources.map((source) => [source.key, source])).values()];
  const graph = withSums(model, own, statistic);
  const sums = new Map(own.map((source) => [source.key, new Float64Array(sumBytes(source, statistic) / 8)]));
  const data = await calibrationData(context, samples);
  await withSession({ ...model, graph }, context, ONE_THREAD, async (session) => {
    for await (const { feeds } of data.samples("sum up inputs")) {
      const results = await session.run(adaptFeeds(feeds, session.inputs));
      for (const [at, { key }] of own.entries()) {
        const found = results[outputName(at)]!.data as Float32Array;
        const sum = sums.get(key)!;
        for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + found[i]!;
      }
    }
  });
  return sums;
}

const outputName = (at: number) => `pare.sum.${at}`;

/** The graph up to these values, with their sums as its only outputs. */
function withSums(model: Model, sources: readonly Source[], statistic: Statistic): Graph {
  const { graph } = model;
  const opset = model.opsets.get("") ?? 1;
  const nodes: Node[] = [];
  const initializers = new Map<string, Initializer>(graph.initializers);
  for (const [at, source] of sources.entries()) {
    const made = sumNodes(source, statistic, opset, at);
    nodes.push(...made.nodes);
    for (const [name, value] of made.initializers) initializers.set(name, value);
  }
  const { nodes: kept, names } = ancestry(
    graph,
    sources.map(({ value }) => value),
  );
  const used = new Set([...names, ...nodes.flatMap(({ inputs }) => inputs)]);
  return {
    ...graph,
    nodes: [...kept, ...nodes],
    initializers: new Map([...initializers].filter(([name]) => used.has(name))),
    inputs: graph.inputs.filter(({ name }) => used.has(name)),
    outputs: sources.map((_, at) => ({ name: outputName(at) })),
    valueInfo: new Map(),
  };
}

/** From the value to [groups, inputs, P] (P: everything else), and from there to its sums. */
function sumNodes(source: Source, statistic: Statistic, opset: number, index: number) {
  const { groups, inputs, form } = source;
  const nodes: Node[] = [];
  const initializers = new Map<string, Initializer>();
  const name = (part: string) => `pare.sum.${index}.${part}`;
  let value = source.value;
  let count = 0;
  const then = (opType: string, more: readonly string[] = [], attributes = {}, output = name(String(count++))) => {
    nodes.push(makeNode(opType, [value, ...more], [output], { attributes }));
    value = output;
  };
  const constant = (part: string, tensor: Initializer) => {
    initializers.set(name(part), tensor);
    return name(part);
  };
  then("Cast", [], { to: int(DTYPES.float32.code) });
  if (form === "window") {
    const kernel = source.kernel!;
    const window = kernel.reduce((all, size) => all * size, 1);
    const channels = (inputs / window) * groups;
    const one = new Float32Array(channels * window * window);
    // Output c * window + k is what stands at place k of the kernel over channel c.
    for (let i = 0; i < channels * window; i++) one[i * window + (i % window)] = 1;
    const attributes = Object.fromEntries(
      [...source.node!.attributes].filter(([key]) => ["auto_pad", "dilations", "pads", "strides"].includes(key)),
    );
    const places = constant("places", float32([channels * window, 1, ...kernel], one));
    then("Conv", [places], { ...attributes, group: int(channels), kernel_shape: ints(kernel) });
    then("Reshape", [constant("grouped", int64([4], [0, groups, inputs, -1]))]);
    then("Transpose", [], { perm: attribute([1, 2, 0, 3]) });
    then("Reshape", [constant("rows", int64([3], [groups, inputs, -1]))]);
  } else {
    if (form === "last") {
      then("Reshape", [constant("matrix", int64([2], [-1, inputs]))]);
      then("Transpose", [], { perm: attribute([1, 0]) });
    }
    then("Reshape", [constant("rows", int64([3], [1, inputs, -1]))]);
  }
  const output = outputName(index);
  if (statistic === "squares") {
    if (opset >= 18) then("ReduceSumSquare", [constant("axes", int64([1], [2]))], { keepdims: int(0) }, output);
    else then("ReduceSumSquare", [], { axes: attribute([2]), keepdims: int(0) }, output);
  } else {
    const rows = value;
    then("Transpose", [], { perm: attribute([0, 2, 1]) });
    const turned = value;
    value = rows;
    then("MatMul", [turned], {}, output);
  }
  return { nodes, initializers };
}
