// Block influence: how much a block changes what passes through it, on data. The sums are made inside the graph, so that
// a run takes hardly more memory than any run, and nothing large leaves it.

import { adaptFeeds, asNumbers } from "../../engine/feeds.js";
import { type EngineServices, withSession } from "../../engine/session.js";
import { int, ints } from "../../ir/attributes.js";
import { makeNode } from "../../ir/build.js";
import type { Model, Node } from "../../ir/model.js";
import { int64 } from "../../tensor/tensor.js";
import type { Feeds } from "../../tensor/value.js";
import type { Block } from "./blocks.js";

type Shapes = ReadonlyMap<string, { readonly dims: readonly number[]; readonly dtype: string }>;

/**
 * 1 - mean cosine of what comes in and what goes out, 0 to 2, a block; 0: the block changes nothing but lengths. Up to rank 3
 * every vector of the last axis (a token) counts by itself, above (images) each sample as one. Vectors of zeros do not count.
 * Source: Men et al., "ShortGPT: Layers in Large Language Models are More Redundant Than You Expect" (2024), equation 1.
 */
export async function blockInfluence(
  model: Model,
  blocks: readonly Block[],
  shapes: Shapes,
  samples: AsyncIterable<Feeds>,
  context: EngineServices,
): Promise<Float64Array> {
  const sums = blocks.map((block, at) => withSums(block, at, shapes, model.opsets.get("") ?? 1));
  const graph = {
    ...model.graph,
    initializers: new Map([...model.graph.initializers, [AXIS, int64([1], [-1])]]),
    nodes: [...model.graph.nodes, ...sums.flatMap(({ nodes }) => nodes)],
    outputs: sums.flatMap(({ outputs }) => outputs.map((name) => ({ name }))),
    valueInfo: new Map(),
  };
  const cosines = new Float64Array(blocks.length);
  const counts = new Float64Array(blocks.length);
  // One thread: sums in another order would give other last bits, and ties other ways.
  await withSession({ ...model, graph }, context, { threads: 1 }, async (session) => {
    for await (const feeds of samples) {
      context.signal?.throwIfAborted();
      const found = await session.run(adaptFeeds(feeds, session.inputs));
      for (const [at, { outputs }] of sums.entries()) {
        const [dot, before, after] = outputs.map((name) => asNumbers(found[name]!)) as [Row, Row, Row];
        for (let i = 0; i < dot.length; i++) {
          const lengths = Math.sqrt(before[i]!) * Math.sqrt(after[i]!);
          if (!(lengths > 0) || !Number.isFinite(dot[i]! / lengths)) continue;
          cosines[at]! += dot[i]! / lengths;
          counts[at]! += 1;
        }
      }
    }
  });
  // A block through which only zeros went was not seen at work: nothing says that it may go.
  return cosines.map((sum, at) => (counts[at]! > 0 ? 1 - sum / counts[at]! : 1));
}

type Row = ArrayLike<number>;
const AXIS = "pare.influence.axis";

function withSums({ additions }: Block, at: number, shapes: Shapes, opset: number) {
  const prefix = `pare.influence.${at}`;
  const ends = { in: additions[0].kept, out: additions.at(-1)!.result };
  const nodes: Node[] = [];
  const add = (opType: string, inputs: readonly string[], name: string, attributes = {}) => {
    nodes.push(makeNode(opType, inputs, [`${prefix}.${name}`], { attributes }));
    return `${prefix}.${name}`;
  };
  const vectors = (name: string, end: string) => {
    const { dims, dtype } = shapes.get(name)!;
    const wide = dtype === "float32" ? name : add("Cast", [name], `${end}.wide`, { to: int(1) });
    return dims.length > 3 ? add("Flatten", [wide], `${end}.flat`, { axis: int(1) }) : wide;
  };
  const sum = (a: string, b: string, name: string) => {
    const product = add("Mul", [a, b], `${name}.product`);
    return opset >= 13
      ? add("ReduceSum", [product, AXIS], name, { keepdims: int(0) })
      : add("ReduceSum", [product], name, { axes: ints([-1]), keepdims: int(0) });
  };
  const [x, y] = [vectors(ends.in, "in"), vectors(ends.out, "out")];
  return { outputs: [sum(x, y, "dot"), sum(x, x, "before"), sum(y, y, "after")], nodes };
}
