// A step in ONNX Runtime's blocked layout gives the gradients of the plain one.

import { describe, expect, it } from "vitest";
import { observe } from "../../src/engine/observe.js";
import { run } from "../../src/engine/run.js";
import { graphBuilder, makeModel, tensorInfo } from "../../src/ir/build.js";
import type { Graph } from "../../src/ir/model.js";
import { random } from "../../src/tensor/random.js";
import type { Value } from "../../src/tensor/value.js";
import { backward } from "../../src/train/backward.js";
import { BLOCKED_DOMAIN, blocked } from "../../src/train/blocked.js";
import { Emitter } from "../../src/train/emitter.js";
import { probeBlock } from "../../src/train/probe-block.js";
import { engineServices } from "../support/engine.js";
import { services } from "../support/services.js";

const block = await probeBlock(services);

const { next } = random(5);
const drawn = (dims: readonly number[]): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from({ length: dims.reduce((all, one) => all * one, 1) }, () => next() - 0.5),
});

interface Case {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  build(b: ReturnType<typeof graphBuilder>): string;
  /** Nothing in it fits blocks. */
  readonly plain?: boolean;
}

const conv = (x: string, w: string, attributes: Record<string, number | number[]> = {}, more: string[] = []) =>
  [[x, w, ...more], { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], ...attributes } }] as const;

const cases: Readonly<Record<string, Case>> = {
  "a residual block": {
    inputs: { x: [16, 3, 9, 7], a: [16, 3, 3, 3], b: [16, 16, 3, 3], c: [16, 16, 3, 3] },
    build(b) {
      const first = b.node("Relu", [b.node("Conv", ...conv("x", "a"))]);
      const second = b.node("Relu", [b.node("Conv", ...conv(first, "b"))]);
      return b.node("Relu", [b.node("Add", [b.node("Conv", ...conv(second, "c")), first])]);
    },
  },
  "strides, dilations, a bias": {
    inputs: { x: [16, 16, 11, 10], a: [32, 16, 3, 3], b: [16, 32, 3, 3], bias: [32] },
    build(b) {
      const first = b.node("Relu", [b.node("Conv", ...conv("x", "a", { strides: [2, 2] }, ["bias"]))]);
      return b.node("Conv", ...conv(first, "b", { dilations: [2, 1], pads: [2, 1, 2, 1] }));
    },
  },
  "depthwise and pointwise": {
    inputs: { x: [16, 16, 6, 5], a: [16, 1, 3, 3], b: [32, 16, 1, 1], c: [1, 16, 1, 1] },
    build(b) {
      const first = b.node("Relu", [b.node("Conv", ...conv("x", "a", { group: 16 }))]);
      const gated = b.node("Mul", [first, "c"]);
      return b.node("Conv", ...conv(gated, "b", { kernel_shape: [1, 1], pads: [0, 0, 0, 0] }));
    },
  },
  "channels that fill no block": {
    inputs: { x: [6, 20, 6, 5], a: [12, 20, 3, 3], b: [16, 12, 3, 3] },
    plain: true,
    build: (b) => b.node("Conv", ...conv(b.node("Relu", [b.node("Conv", ...conv("x", "a"))]), "b")),
  },
};

async function steps({ inputs, build }: Case) {
  const b = graphBuilder();
  for (const [name, dims] of Object.entries(inputs)) b.input(name, "float32", dims);
  const y = build(b);
  b.node("ReduceSum", [b.node("Mul", [y, y])], { outputs: ["loss"], attributes: { keepdims: 0 } });
  b.output("loss", "float32", []);
  const graph = b.graph();
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, dims]) => [name, drawn(dims)]));
  const { values } = await observe(makeModel(graph), { feeds }, services);
  const written = (size: number): Graph => {
    const emit = new Emitter({ shape: (name) => values.get(name), has: (name) => values.has(name) }, size);
    const found = backward({ nodes: graph.nodes, loss: "loss", targets: Object.keys(inputs) }, emit);
    const outputs = ["loss", ...found.values()];
    const all = [...graph.nodes, ...emit.nodes];
    const nodes =
      size === 0
        ? all
        : blocked({ nodes: all, emit, block: size, outputs, isConstant: (n) => emit.initializers.has(n) });
    return {
      ...graph,
      nodes,
      initializers: emit.initializers,
      outputs: outputs.map((name) => tensorInfo(name, "float32")),
    };
  };
  const result = async (of: Graph) =>
    Object.values(await run(makeModel(of, { opset: 21, opsets: { [BLOCKED_DOMAIN]: 1 } }), feeds, services));
  return { plain: written(0), inBlocks: written(block), result };
}

describe.skipIf(block === 0)(`in blocks${block === 0 ? " (this runtime has no blocked convolutions)" : ""}`, () => {
  it.each(Object.entries(cases))("%s", async (_, one) => {
    const { plain, inBlocks, result } = await steps(one);
    const convolutions = inBlocks.nodes.filter((node) => node.opType === "Conv");
    expect(convolutions.some((node) => node.domain === BLOCKED_DOMAIN)).toBe(one.plain !== true);
    const [expected, found] = [await result(plain), await result(inBlocks)];
    expect(found).toHaveLength(Object.keys(one.inputs).length + 1);
    expected.forEach(({ dims, data }, at) => {
      expect(found[at]!.dims).toEqual(dims);
      const [a, b] = [data as Float32Array, found[at]!.data as Float32Array];
      const scale = Math.max(...a.map(Math.abs));
      expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / scale).toBeLessThan(1e-5);
    });
  });

  it("what is elementwise between convolutions stays in blocks", async () => {
    const { inBlocks } = await steps(cases["a residual block"]!);
    const forward = inBlocks.nodes.slice(
      0,
      inBlocks.nodes.findIndex((node) => node.outputs.includes("loss")),
    );
    // One back for the loss; the first convolution reads the plain input.
    expect(forward.filter((node) => node.opType === "ReorderInput")).toHaveLength(0);
    expect(forward.filter((node) => node.opType === "ReorderOutput")).toHaveLength(1);
  });
});

it("WASM has no such layout", async () => {
  expect(await probeBlock(engineServices({}, "wasm"))).toBe(0);
});
