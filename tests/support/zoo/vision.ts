// Convolutional models of kinds that the portfolio lacks.

import { float, graphAttribute } from "../../../src/ir/attributes.js";
import { graphBuilder } from "../../../src/ir/build.js";
import { float32, int64, tensor } from "../../../src/tensor/tensor.js";
import { batchNorm, bias, convNorm, floats, linear, normals, seeded, weight, type ZooModel } from "./parts.js";

/** Opset 7, IR 3: every weight is also an input; BatchNormalization by its old rules, Dropout left in, Clip attributes. */
export function oldCnn(): ZooModel {
  const name = "cnn-opset7";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("image", "float32", [1, 3, 32, 32]);
  let x = convNorm(b, r, "conv1", "image", 3, 32);
  x = b.node("Relu", [x]);
  x = b.node("MaxPool", [x], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } });
  x = convNorm(b, r, "conv2", x, 32, 64);
  x = b.node("Clip", [x], { attributes: { min: float(0), max: float(6) } });
  x = b.node("Pad", [x], {
    attributes: { mode: "constant", pads: [0, 0, 1, 1, 0, 0, 1, 1], value: float(0) },
  });
  x = b.node("AveragePool", [x], { attributes: { kernel_shape: [3, 3], strides: [3, 3] } });
  x = b.node("Dropout", [x], { attributes: { ratio: 0.5 } });
  x = b.node("Reshape", [x, b.initializer("shape", int64([2], [1, -1]))]);
  const w = b.initializer("fc.weight", weight(r, [10, 64 * 36], 64 * 36));
  x = b.node("Gemm", [x, w, b.initializer("fc.bias", bias(r, 10))], { attributes: { transB: 1 } });
  b.output(b.node("Softmax", [x], { attributes: { axis: 1 } }), "float32", [1, 10]);
  const graph = b.graph();
  const inputs = [...graph.initializers].map(([key, value]) => ({
    name: key,
    type: { kind: "tensor" as const, dtype: value.dtype, shape: value.dims },
  }));
  const model = b.model({ opset: 7, ir: 3 });
  return {
    name,
    model: { ...model, graph: { ...graph, inputs: [...graph.inputs, ...inputs] } },
    feeds: { image: floats([1, 3, 32, 32], normals(r, [1, 3, 32, 32])) },
  };
}

/** Opset 11: grouped and depthwise convolutions, inverted residuals, Clip with inputs. */
export function mobile(): ZooModel {
  const name = "mobile-opset11";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("image", "float32", ["batch", 3, 48, 48]);
  const bounds = [b.initializer("low", float32([], [0])), b.initializer("high", float32([], [6]))];
  const relu6 = (x: string) => b.node("Clip", [x, ...bounds]);
  let x = relu6(convNorm(b, r, "stem", "image", 3, 32, { stride: 2 }));
  for (const [i, stride] of [1, 2].entries()) {
    const block = `block${i}`;
    const expanded = relu6(convNorm(b, r, `${block}.expand`, x, 32, 128, { kernel: 1 }));
    const depthwise = relu6(convNorm(b, r, `${block}.depthwise`, expanded, 128, 128, { group: 128, stride }));
    const projected = convNorm(b, r, `${block}.project`, depthwise, 128, 32, { kernel: 1 });
    x = stride === 1 ? b.node("Add", [x, projected]) : projected;
  }
  x = relu6(convNorm(b, r, "grouped", x, 32, 64, { group: 4 }));
  x = b.node("GlobalAveragePool", [x]);
  x = b.node("Flatten", [x]);
  const w = b.initializer("head.weight", weight(r, [20, 64], 64));
  const logits = b.node("Gemm", [x, w, b.initializer("head.bias", bias(r, 20))], {
    outputs: ["logits"],
    attributes: { transB: 1 },
  });
  b.output(logits, "float32", ["batch", 20]);
  return {
    name,
    model: b.model({ opset: 11, ir: 6 }),
    feeds: { image: floats([2, 3, 48, 48], normals(r, [2, 3, 48, 48])) },
  };
}

/** Opset 13: down by Conv, up by ConvTranspose, a skip by Concat, two outputs, dynamic height and width. */
export function segmenter(): ZooModel {
  const name = "unet-opset13";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("image", "float32", ["batch", 1, "height", "width"]);
  const first = b.node("Relu", [convNorm(b, r, "down1", "image", 1, 32)]);
  const second = b.node("Relu", [convNorm(b, r, "down2", first, 32, 64, { stride: 2 })]);
  const w = b.initializer("up.weight", weight(r, [64, 32, 2, 2], 64));
  let up = b.node("ConvTranspose", [second, w, b.initializer("up.bias", bias(r, 32))], {
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  });
  up = b.node("LeakyRelu", [batchNorm(b, r, "up", up, 32)], { attributes: { alpha: 0.1 } });
  const joined = b.node("Concat", [first, up], { attributes: { axis: 1 } });
  const mixed = b.node("Relu", [convNorm(b, r, "mix", joined, 64, 64)]);
  const mask = b.initializer("mask.weight", weight(r, [2, 64, 1, 1], 64));
  b.output(b.node("Conv", [mixed, mask, b.initializer("mask.bias", bias(r, 2))], { outputs: ["mask"] }), "float32", [
    "batch",
    2,
    "height",
    "width",
  ]);
  const pooled = b.node("Flatten", [b.node("GlobalAveragePool", [mixed])]);
  b.output(b.node("Sigmoid", [linear(b, r, "score", pooled, 64, 1)], { outputs: ["score"] }), "float32", ["batch", 1]);
  return {
    name,
    model: b.model({ opset: 13, ir: 7 }),
    feeds: { image: floats([1, 1, 32, 24], normals(r, [1, 1, 32, 24])) },
  };
}

/** Opset 16: an If whose branches hold Conv weights of their own, chosen by an input, with a captured weight between. */
export function branches(): ZooModel {
  const name = "if-weights-opset16";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("image", "float32", [1, 16, 20, 20]);
  b.input("fine", "bool", []);
  const shared = b.initializer("shared.weight", weight(r, [64, 10], 64));
  const branch = (kind: string, kernel: number) => {
    const inner = graphBuilder(kind, `${kind}_`);
    let y = inner.node("Relu", [convNorm(inner, r, `${kind}.conv`, "image", 16, 64, { kernel })], {
      outputs: [`${kind}_act`],
    });
    y = inner.node("GlobalAveragePool", [y], { outputs: [`${kind}_pool`] });
    y = inner.node("Flatten", [y], { outputs: [`${kind}_flat`] });
    inner.output(inner.node("MatMul", [y, shared], { outputs: [`${kind}_out`] }), "float32", [1, 10]);
    return graphAttribute(inner.graph());
  };
  const attributes = { then_branch: branch("fine", 3), else_branch: branch("coarse", 1) };
  b.output(b.node("If", ["fine"], { name: "choose", outputs: ["logits"], attributes }), "float32", [1, 10]);
  return {
    name,
    model: b.model({ opset: 16, ir: 8 }),
    feeds: {
      image: floats([1, 16, 20, 20], normals(r, [1, 16, 20, 20])),
      fine: { dtype: "bool", dims: [], data: Uint8Array.of(1) },
    },
  };
}

/** Opset 9: weights in Constant nodes, as old exporters write them, a scalar and an empty tensor among them. */
export function constants(): ZooModel {
  const name = "constants-opset9";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("image", "float32", [1, 8, 16, 16]);
  const constant = (value: Parameters<typeof weight>[1], fanIn: number) =>
    b.node("Constant", [], { attributes: { value: { type: "tensor", value: weight(r, value, fanIn) } } });
  let x = b.node("Conv", ["image", constant([64, 8, 3, 3], 72)], { attributes: { pads: [1, 1, 1, 1] } });
  const scale = b.node("Constant", [], {
    attributes: { value: { type: "tensor", value: float32([], [0.5]) } },
  });
  x = b.node("Mul", [x, scale]);
  x = b.node("PRelu", [x, b.initializer("slope", float32([64, 1, 1], normals(r, [64], 0.2)))]);
  const empty = b.initializer("empty", tensor("float32", [1, 0, 16, 16], new Uint8Array(0)));
  x = b.node("Concat", [x, empty], { attributes: { axis: 1 } });
  x = b.node("Transpose", [x], { attributes: { perm: [0, 2, 3, 1] } });
  x = b.node("MatMul", [x, constant([64, 128], 64)]);
  x = b.node("ReduceMean", [x], { attributes: { axes: [1, 2], keepdims: 0 } });
  b.output(b.node("Identity", [x], { outputs: ["features"] }), "float32", [1, 128]);
  return {
    name,
    model: b.model({ opset: 9, ir: 4 }),
    feeds: { image: floats([1, 8, 16, 16], normals(r, [1, 8, 16, 16])) },
  };
}
