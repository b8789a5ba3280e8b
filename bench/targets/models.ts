// The models that the forms are measured on, made here from a seed: a convolutional network, a transformer encoder and one
// step of a decoder. Random weights: what is measured is time. Trained models of the portfolio join them where it is there.
// Each has a small sibling with the same operators, for a WebGPU adapter in software, where seconds of work are minutes.

import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { random } from "../../src/tensor/random.js";
import { bytesData, int64 } from "../../src/tensor/tensor.js";
import type { FeedSpec } from "./runner.js";

export interface BenchModel {
  readonly name: string;
  /** What stands in the table: shape and size in a few words. */
  readonly what: string;
  readonly make: () => Model;
  readonly feeds: readonly FeedSpec[];
}

export type Size = "full" | "small";

const convolutional = (image: number): BenchModel => ({
  name: "cnn",
  what: `residual CNN, 20 convolutions of 32 to 256 channels, ${image} x ${image}, batch 1`,
  make: () => {
    const graph = graphBuilder("cnn");
    const weights = weightMaker(graph, 1);
    let at = graph.input("image", "float32", [1, 3, image, image]);
    const conv = (from: string, [inner, outer]: readonly [number, number], kernel: number, stride: number) => {
      const weight = weights([outer, inner, kernel, kernel], Math.sqrt(2 / (inner * kernel * kernel)));
      const pad = kernel >> 1;
      const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
      return graph.node("Conv", [from, weight, weights([outer], 0.05)], { attributes });
    };
    const relu = (from: string) => graph.node("Relu", [from]);
    at = relu(conv(at, [3, 32], 7, 2));
    at = graph.node("MaxPool", [at], { attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } });
    let width = 32;
    for (const outer of [32, 64, 128, 256]) {
      for (const block of [0, 1]) {
        const stride = block === 0 && outer > 32 ? 2 : 1;
        const inner = conv(relu(conv(at, [width, outer], 3, stride)), [outer, outer], 3, 1);
        const around = width === outer ? at : conv(at, [width, outer], 1, stride);
        at = relu(graph.node("Add", [inner, around]));
        width = outer;
      }
    }
    const pooled = graph.node("Flatten", [graph.node("GlobalAveragePool", [at])], { attributes: { axis: 1 } });
    const classifier = [pooled, weights([1000, width], 0.06), weights([1000], 0.05)];
    const logits = graph.node("Gemm", classifier, { attributes: { transB: 1 }, outputs: ["logits"] });
    graph.output(logits, "float32", [1, 1000]);
    return graph.model();
  },
  feeds: [{ name: "image", dtype: "float32", dims: [1, 3, image, image], low: -2, high: 2 }],
});

const encoder = (layers: number, length: number): BenchModel => ({
  name: "encoder",
  what: `transformer encoder, ${layers} layers of 384, 6 heads, ${length} tokens, batch 1`,
  make: () => {
    const graph = graphBuilder("encoder");
    const weights = weightMaker(graph, 2);
    const [size, heads] = [384, 6];
    const ids = graph.input("input_ids", "int64", [1, length]);
    const words = graph.node("Gather", [weights([8192, size], 1, "embedding"), ids]);
    let at = graph.node("Add", [words, weights([1, length, size], 0.3)]);
    for (let layer = 0; layer < layers; layer++) {
      const block = transformerBlock(graph, weights, size, heads, length);
      at = block.mlp(block.attention(at));
    }
    const axes = graph.initializer("axes", int64([1], [1]));
    const mean = graph.node("ReduceMean", [at, axes], { attributes: { keepdims: 0 } });
    const logits = graph.node("MatMul", [mean, weights([size, 128], 0.05)], { outputs: ["features"] });
    graph.output(logits, "float32", [1, 128]);
    return graph.model();
  },
  feeds: [{ name: "input_ids", dtype: "int64", dims: [1, length], low: 0, high: 8192 }],
});

const PAST = 64;

const decoder = (layers: number, vocabulary: number): BenchModel => ({
  name: "decoder",
  what: `decoder step, ${layers} layers of 512, 8 heads, vocabulary ${vocabulary}, 1 token after 64`,
  make: () => {
    const graph = graphBuilder("decoder");
    const weights = weightMaker(graph, 3);
    const [size, heads] = [512, 8];
    const ids = graph.input("input_ids", "int64", [1, 1]);
    let at = graph.node("Gather", [weights([vocabulary, size], 1, "embedding"), ids]);
    for (let layer = 0; layer < layers; layer++) {
      const past = (kind: string) => graph.input(`past_${layer}_${kind}`, "float32", [1, heads, PAST, size / heads]);
      const block = transformerBlock(graph, weights, size, heads, 1, [past("k"), past("v")], layer);
      at = block.mlp(block.attention(at));
    }
    const logits = graph.node("MatMul", [at, weights([size, vocabulary], 0.05, "head")], { outputs: ["logits"] });
    graph.output(logits, "float32", [1, 1, vocabulary]);
    // The logits stand first: their fidelity is told.
    for (let layer = 0; layer < layers; layer++) {
      for (const kind of "kv") graph.output(`present_${layer}_${kind}`, "float32", [1, heads, PAST + 1, size / heads]);
    }
    return graph.model();
  },
  feeds: [
    { name: "input_ids", dtype: "int64", dims: [1, 1], low: 0, high: vocabulary },
    ...Array.from({ length: 2 * layers }, (_, at) => ({
      name: `past_${at >> 1}_${"kv"[at & 1]}`,
      dtype: "float32" as const,
      dims: [1, 8, PAST, 64],
      low: -1,
      high: 1,
    })),
  ],
});

export const generated: Readonly<Record<Size, readonly BenchModel[]>> = {
  full: [convolutional(224), encoder(6, 128), decoder(6, 16384)],
  small: [convolutional(64), encoder(2, 32), decoder(2, 2048)],
};

/** What the portfolio's models are fed: numbers in the range of their preprocessing. By file name. */
export const portfolioFeeds: Readonly<Record<string, { readonly what: string; readonly feeds: readonly FeedSpec[] }>> =
  {
    "squeezenet1.1": {
      what: "SqueezeNet 1.1, 227 x 227, trained",
      feeds: [{ name: "data", dtype: "float32", dims: [1, 3, 227, 227], low: -120, high: 140 }],
    },
    "person-mobilenet-v1": {
      what: "MobileNet 0.25 (depthwise), 96 x 96, trained",
      feeds: [{ name: "input_1", dtype: "float32", dims: [1, 3, 96, 96], low: 0, high: 1 }],
    },
  };

type WeightMaker = (dims: readonly number[], deviation: number, name?: string) => string;

function weightMaker(graph: GraphBuilder, seed: number): WeightMaker {
  let made = 0;
  return (dims, deviation, name = `weight_${made}`) => {
    const source = random(seed * 1000 + made++);
    const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    for (let at = 0; at < values.length; at++) values[at] = source.normal() * deviation;
    return graph.initializer(name, { dtype: "float32", dims, data: bytesData(new Uint8Array(values.buffer)) });
  };
}

/** One layer, normalised before each half, in plain operators as exporters write them. */
function transformerBlock(
  graph: GraphBuilder,
  weights: WeightMaker,
  size: number,
  heads: number,
  length: number,
  past?: readonly [string, string],
  layer = 0,
) {
  const attributes = { axis: -1 };
  const one = () => {
    const values = new Float32Array(size).fill(1);
    return { dtype: "float32" as const, dims: [size], data: bytesData(new Uint8Array(values.buffer)) };
  };
  const normalised = (from: string) => {
    const scale = graph.initializer(`scale_of_${from}`, one());
    return graph.node("LayerNormalization", [from, scale, weights([size], 0.02)], { attributes });
  };
  const linear = (from: string, inner: number, outer: number) =>
    graph.node("Add", [
      graph.node("MatMul", [from, weights([inner, outer], 1 / Math.sqrt(inner))]),
      weights([outer], 0.02),
    ]);
  const shaped = (from: string, name: string, shape: readonly number[]) =>
    graph.node("Reshape", [from, graph.initializer(name, int64([shape.length], shape))]);
  return {
    attention(from: string): string {
      const input = normalised(from);
      const perHead = (kind: string) => {
        const split = shaped(linear(input, size, size), `${kind}_of_${from}`, [1, length, heads, size / heads]);
        return graph.node("Transpose", [split], { attributes: { perm: [0, 2, 1, 3] } });
      };
      const withPast = (kind: "k" | "v") => {
        const own = perHead(kind);
        if (past === undefined) return own;
        const inputs = [past[kind === "k" ? 0 : 1], own];
        return graph.node("Concat", inputs, { attributes: { axis: 2 }, outputs: [`present_${layer}_${kind}`] });
      };
      const query = perHead("q");
      const [keys, values] = [withPast("k"), withPast("v")];
      const turned = graph.node("Transpose", [keys], { attributes: { perm: [0, 1, 3, 2] } });
      const scale = new Uint8Array(Float32Array.of(1 / Math.sqrt(size / heads)).buffer);
      const factor = graph.initializer(`factor_of_${from}`, { dtype: "float32", dims: [], data: bytesData(scale) });
      const scores = graph.node("Mul", [graph.node("MatMul", [query, turned]), factor]);
      const mixed = graph.node("MatMul", [graph.node("Softmax", [scores], { attributes }), values]);
      const back = graph.node("Transpose", [mixed], { attributes: { perm: [0, 2, 1, 3] } });
      return graph.node("Add", [from, linear(shaped(back, `back_of_${from}`, [1, length, size]), size, size)]);
    },
    mlp(from: string): string {
      const inner = graph.node("Gelu", [linear(normalised(from), size, 4 * size)]);
      return graph.node("Add", [from, linear(inner, 4 * size, size)]);
    },
  };
}
