// Recurrent models, loops and transformers of kinds that the portfolio lacks.

import { float, graphAttribute } from "../../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder } from "../../../src/ir/build.js";
import { toFloat16 } from "../../../src/tensor/float16.js";
import type { Random } from "../../../src/tensor/random.js";
import { float32, int64, tensor } from "../../../src/tensor/tensor.js";
import {
  bias,
  floats,
  half,
  ids,
  layerNorm,
  linear,
  list,
  longs,
  normals,
  seeded,
  weight,
  type ZooModel,
} from "./parts.js";

/** Opset 17: embedding, bidirectional LSTM with dynamic time, classifier on the last state. */
export function lstm(): ZooModel {
  const name = "bilstm-opset17";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("tokens", "int64", ["batch", "time"]);
  const table = b.initializer("embedding", float32([500, 64], normals(r, [500, 64], 0.5)));
  let x = b.node("Gather", [table, "tokens"]);
  x = b.node("Transpose", [x], { attributes: { perm: [1, 0, 2] } });
  const w = b.initializer("lstm.W", weight(r, [2, 4 * 96, 64], 64));
  const rec = b.initializer("lstm.R", weight(r, [2, 4 * 96, 96], 96));
  const c = b.initializer("lstm.B", float32([2, 8 * 96], normals(r, [2, 8 * 96], 0.1)));
  const [, last] = b.nodes("LSTM", [x, w, rec, c], {
    name: "lstm",
    outputs: ["lstm_y", "lstm_h"],
    attributes: { hidden_size: 96, direction: "bidirectional" },
  });
  x = b.node("Transpose", [last!], { attributes: { perm: [1, 0, 2] } });
  x = b.node("Reshape", [x, list(b, "flat", [0, 192])]);
  b.output(b.node("Identity", [linear(b, r, "classify", x, 192, 5)], { outputs: ["logits"] }), "float32", ["batch", 5]);
  return { name, model: b.model({ opset: 17 }), feeds: { tokens: ids(r, [2, 12], 500) } };
}

/** Opset 13: two GRU layers, one reversed with linear_before_reset, states as inputs and outputs. */
export function gru(): ZooModel {
  const name = "gru-opset13";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("frames", "float32", ["time", 1, 40]);
  b.input("state", "float32", [1, 1, 80]);
  const layer = (id: string, x: string, from: number, state: string, attributes: Record<string, number | string>) => {
    const weights = [
      b.initializer(`${id}.W`, weight(r, [1, 240, from], from)),
      b.initializer(`${id}.R`, weight(r, [1, 240, 80], 80)),
      b.initializer(`${id}.B`, float32([1, 480], normals(r, [1, 480], 0.1))),
    ];
    return b.nodes("GRU", [x, ...weights, "", state], {
      name: id,
      outputs: [`${id}_y`, `${id}_h`],
      attributes: { hidden_size: 80, ...attributes },
    });
  };
  const [first, kept] = layer("gru1", "frames", 40, "state", {});
  const squeezed = b.node("Squeeze", [first!, list(b, "direction", [1])]);
  const [second] = layer("gru2", squeezed, 80, "", { direction: "reverse", linear_before_reset: 1 });
  const y = b.node("Squeeze", [second!, list(b, "axes", [1])]);
  b.output(b.node("Tanh", [linear(b, r, "out", y, 80, 16)], { outputs: ["result"] }), "float32", ["time", 1, 16]);
  b.output(kept!, "float32", [1, 1, 80]);
  return {
    name,
    model: b.model({ opset: 13, ir: 7 }),
    feeds: {
      frames: floats([9, 1, 40], normals(r, [9, 1, 40])),
      state: floats([1, 1, 80], normals(r, [1, 1, 80], 0.1)),
    },
  };
}

/** Opset 17: a Loop that applies a captured weight to its state and collects every step. */
export function loop(): ZooModel {
  const name = "loop-opset17";
  const r = seeded(name);
  const body = graphBuilder("body");
  body.input("i", "int64", []);
  body.input("going", "bool", []);
  body.input("h", "float32", [1, 128]);
  body.node("Identity", ["going"], { outputs: ["still"] });
  const w = body.initializer("inner.weight", weight(r, [128, 128], 128));
  const mixed = body.node("MatMul", ["h", w], { outputs: ["inner_mixed"] });
  const pushed = body.node("MatMul", [mixed, "outer.weight"], { outputs: ["inner_pushed"] });
  body.node("Tanh", [pushed], { outputs: ["h_next"] });
  body.node("Identity", ["h_next"], { outputs: ["h_seen"] });
  body.output("still", "bool", []);
  body.output("h_next", "float32", [1, 128]);
  body.output("h_seen", "float32", [1, 128]);
  const b = graphBuilder(name);
  b.input("start", "float32", [1, 128]);
  b.input("steps", "int64", []);
  b.initializer("outer.weight", weight(r, [128, 128], 128));
  const go = b.initializer("go", tensor("bool", [], Uint8Array.of(1)));
  b.nodes("Loop", ["steps", go, "start"], {
    outputs: ["end", "path"],
    attributes: { body: graphAttribute(body.graph()) },
  });
  b.output("end", "float32", [1, 128]);
  b.output("path", "float32", ["steps", 1, 128]);
  return {
    name,
    model: b.model({ opset: 17 }),
    feeds: { start: floats([1, 128], normals(r, [1, 128])), steps: longs([], [3]) },
  };
}

/** Opset 17: a masked encoder whose output layer is its embedding, transposed. */
export function tied(): ZooModel {
  const name = "tied-embeddings-opset17";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("input_ids", "int64", ["batch", "sequence"]);
  const table = b.initializer("wte", float32([1000, 128], normals(r, [1000, 128], 0.3)));
  let x = layerNorm(b, r, "norm0", b.node("Gather", [table, "input_ids"]), 128);
  const hidden = b.node("Relu", [linear(b, r, "mlp.up", x, 128, 256)]);
  x = b.node("Add", [x, linear(b, r, "mlp.down", hidden, 256, 128)]);
  x = layerNorm(b, r, "norm1", x, 128);
  const head = b.node("Transpose", [table], { attributes: { perm: [1, 0] } });
  b.output(b.node("MatMul", [x, head], { outputs: ["logits"] }), "float32", ["batch", "sequence", 1000]);
  return { name, model: b.model({ opset: 17 }), feeds: { input_ids: ids(r, [1, 10], 1000) } };
}

/** Causal attention with a cache: past and present keys and values, mask over both, positions looked up. */
function attention(b: GraphBuilder, r: Random, layer: number, x: string, mask: string): string {
  const [heads, size] = [4, 32];
  const width = heads * size;
  const name = `layers.${layer}`;
  const split = (part: string) => {
    const y = linear(b, r, `${name}.${part}`, x, width, width);
    const shaped = b.node("Reshape", [y, "heads"]);
    return b.node("Transpose", [shaped], { attributes: { perm: [0, 2, 1, 3] } });
  };
  const join = (part: string, now: string) => {
    const past = b.input(`past_key_values.${layer}.${part}`, "float32", ["batch", heads, "past", size]);
    const present = `present.${layer}.${part}`;
    b.node("Concat", [past, now], { outputs: [present], attributes: { axis: 2 } });
    return b.output(present, "float32", ["batch", heads, "total", size]);
  };
  const query = split("query");
  const key = join("key", split("key"));
  const value = join("value", split("value"));
  const keys = b.node("Transpose", [key], { attributes: { perm: [0, 1, 3, 2] } });
  const scores = b.node("Mul", [b.node("MatMul", [query, keys]), "scale"]);
  const weights = b.node("Softmax", [b.node("Add", [scores, mask])], { attributes: { axis: -1 } });
  const mixed = b.node("Transpose", [b.node("MatMul", [weights, value])], { attributes: { perm: [0, 2, 1, 3] } });
  return linear(b, r, `${name}.output`, b.node("Reshape", [mixed, "flat"]), width, width);
}

/** Opset 21: a decoder with past_key_values, attention_mask and position_ids, as transformers exporters write them. */
export function decoder(): ZooModel {
  const name = "decoder-past-opset21";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("input_ids", "int64", ["batch", "sequence"]);
  b.input("attention_mask", "int64", ["batch", "total"]);
  b.input("position_ids", "int64", ["batch", "sequence"]);
  list(b, "heads", [0, 0, 4, 32]);
  list(b, "flat", [0, 0, 128]);
  b.initializer("scale", float32([], [1 / Math.sqrt(32)]));
  const table = b.initializer("embed", float32([600, 128], normals(r, [600, 128], 0.3)));
  const places = b.initializer("positions", float32([64, 128], normals(r, [64, 128], 0.1)));
  let x = b.node("Add", [b.node("Gather", [table, "input_ids"]), b.node("Gather", [places, "position_ids"])]);
  // Only the key mask: with one new token a step, no token sees a later one.
  const seen = b.node("Cast", ["attention_mask"], { attributes: { to: 1 } });
  const hidden = b.node("Sub", [b.initializer("one", float32([], [1])), seen]);
  const wide = b.node("Unsqueeze", [hidden, list(b, "spread", [1, 2])]);
  const mask = b.node("Mul", [wide, b.initializer("far", float32([], [-10000]))]);
  for (const layer of [0, 1]) {
    const normal = layerNorm(b, r, `norm.${layer}.a`, x, 128);
    x = b.node("Add", [x, attention(b, r, layer, normal, mask)]);
    const inner = linear(b, r, `mlp.${layer}.up`, layerNorm(b, r, `norm.${layer}.b`, x, 128), 128, 256);
    x = b.node("Add", [x, linear(b, r, `mlp.${layer}.down`, b.node("Gelu", [inner]), 256, 128)]);
  }
  const last = layerNorm(b, r, "norm.last", x, 128);
  const head = b.initializer("lm_head", weight(r, [128, 600], 128));
  b.output(b.node("MatMul", [last, head], { outputs: ["logits"] }), "float32", ["batch", "sequence", 600]);
  const past = Object.fromEntries(
    [0, 1].flatMap((layer) =>
      ["key", "value"].map((part) => [
        `past_key_values.${layer}.${part}`,
        floats([1, 4, 5, 32], normals(r, [1, 4, 5, 32], 0.5)),
      ]),
    ),
  );
  return {
    name,
    model: b.model({ opset: 21 }),
    feeds: {
      input_ids: ids(r, [1, 1], 600),
      attention_mask: longs([1, 6], [1, 1, 1, 1, 1, 1]),
      position_ids: longs([1, 1], [5]),
      ...past,
    },
  };
}

/** Opset 15, float16 throughout. */
export function halfPrecision(): ZooModel {
  const name = "float16-opset15";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("x", "float16", ["batch", 96]);
  const layer = (id: string, x: string, from: number, to: number) => {
    const w = b.initializer(`${id}.weight`, half(normals(r, [from, to], 1 / Math.sqrt(from)), [from, to]));
    const c = b.initializer(`${id}.bias`, half(normals(r, [to], 0.1), [to]));
    return b.node("Add", [b.node("MatMul", [x, w]), c]);
  };
  const hidden = b.node("Relu", [layer("up", "x", 96, 256)]);
  b.output(b.node("Identity", [layer("down", hidden, 256, 32)], { outputs: ["y"] }), "float16", ["batch", 32]);
  return {
    name,
    model: b.model({ opset: 15 }),
    feeds: { x: { dtype: "float16", dims: [3, 96], data: toFloat16(normals(r, [3, 96])) } },
  };
}

/** Opset 13: int64 features in, a lookup and a sum, three outputs of three types. */
export function tabular(): ZooModel {
  const name = "tabular-ints-opset13";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("categories", "int64", ["rows", 4]);
  b.input("numbers", "float32", ["rows", 6]);
  const table = b.initializer("table", float32([300, 32], normals(r, [300, 32], 0.5)));
  const looked = b.node("Gather", [table, "categories"]);
  const flat = b.node("Reshape", [looked, b.initializer("flat", int64([2], [0, 128]))]);
  const joined = b.node("Concat", [flat, "numbers"], { attributes: { axis: 1 } });
  const w = b.initializer("w1", weight(r, [128, 134], 134));
  const hidden = b.node("Gemm", [joined, w, b.initializer("b1", bias(r, 128))], {
    attributes: { transB: 1, alpha: float(0.5), beta: float(2) },
  });
  const logits = linear(b, r, "out", b.node("Relu", [hidden]), 128, 7);
  b.output(b.node("Softmax", [logits], { outputs: ["scores"], attributes: { axis: -1 } }), "float32", ["rows", 7]);
  const label = b.node("ArgMax", [logits], { outputs: ["label"], attributes: { axis: 1, keepdims: 0 } });
  b.output(label, "int64", ["rows"]);
  const sure = b.initializer("sure", int64([], [3]));
  b.output(b.node("Less", [label, sure], { outputs: ["low"] }), "bool", ["rows"]);
  return {
    name,
    model: b.model({ opset: 13, ir: 7 }),
    feeds: { categories: ids(r, [5, 4], 300), numbers: floats([5, 6], normals(r, [5, 6])) },
  };
}
