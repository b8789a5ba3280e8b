// Dense models whose weights come in unusual ways.

import { float } from "../../../src/ir/attributes.js";
import { graphBuilder, makeFunction } from "../../../src/ir/build.js";
import { toFloat16 } from "../../../src/tensor/float16.js";
import { float32, tensor } from "../../../src/tensor/tensor.js";
import { bias, floats, layerNorm, linear, normals, positive, seeded, weight, type ZooModel } from "./parts.js";

/** Opset 21: Gemm in its forms (transB, alpha, beta, no C), symbolic batch. */
export function gemms(): ZooModel {
  const name = "gemm-opset21";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("x", "float32", ["batch", 128]);
  const first = b.initializer("first", weight(r, [512, 128], 128));
  let x = b.node("Gemm", ["x", first, b.initializer("c", bias(r, 512))], {
    attributes: { transB: 1, alpha: float(1.5), beta: float(0.5) },
  });
  x = b.node("BatchNormalization", [
    x,
    b.initializer("bn.weight", positive(r, 512)),
    b.initializer("bn.bias", bias(r, 512)),
    b.initializer("bn.mean", bias(r, 512)),
    b.initializer("bn.var", positive(r, 512)),
  ]);
  x = b.node("Gemm", [b.node("Relu", [x]), b.initializer("second", weight(r, [512, 64], 512))]);
  b.output(b.node("Tanh", [x], { outputs: ["y"] }), "float32", ["batch", 64]);
  return { name, model: b.model({ opset: 21 }), feeds: { x: floats([4, 128], normals(r, [4, 128])) } };
}

/** Opset 18: layers as calls of a local function that is given its weights, and a function that calls it. */
export function functions(): ZooModel {
  const name = "local-functions-opset18";
  const r = seeded(name);
  const f = graphBuilder("Linear");
  for (const input of ["x", "w", "c"]) f.input(input, "float32");
  f.output(f.node("Add", [f.node("MatMul", ["x", "w"]), "c"], { outputs: ["y"] }));
  const g = graphBuilder("Residual");
  for (const input of ["x", "w", "c"]) g.input(input, "float32");
  const inner = g.node("Linear", ["x", "w", "c"], { domain: "zoo" });
  const slope = { type: "reference", value: "slope", of: 1 } as const;
  g.output(g.node("Add", ["x", g.node("LeakyRelu", [inner], { attributes: { alpha: slope } })], { outputs: ["y"] }));
  const b = graphBuilder(name);
  b.input("x", "float32", ["batch", 256]);
  let x = "x";
  for (const i of [0, 1, 2]) {
    const w = b.initializer(`w${i}`, weight(r, [256, 256], 256));
    x = b.node("Residual", [x, w, b.initializer(`c${i}`, bias(r, 256))], {
      domain: "zoo",
      attributes: { slope: 0.1 },
    });
  }
  b.output(b.node("Identity", [x], { outputs: ["y"] }), "float32", ["batch", 256]);
  const residual = makeFunction("zoo", "Residual", g.graph(), { opset: 18, attributes: ["slope"] });
  return {
    name,
    model: b.model({
      opset: 18,
      opsets: { zoo: 1 },
      functions: [
        makeFunction("zoo", "Linear", f.graph(), { opset: 18 }),
        {
          ...residual,
          opsets: new Map([
            ["", 18],
            ["zoo", 1],
          ]),
        },
      ],
    }),
    feeds: { x: floats([2, 256], normals(r, [2, 256])) },
  };
}

/** Opset 14: weights that pass through Identity, Transpose and Cast before they are used. */
export function behind(): ZooModel {
  const name = "weights-behind-nodes-opset14";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("x", "float32", [1, "time", 96]);
  const rows = b.initializer("rows", weight(r, [160, 96], 96));
  let x = b.node("MatMul", ["x", b.node("Transpose", [rows], { attributes: { perm: [1, 0] } })]);
  x = b.node("Relu", [x]);
  const stored = tensor("float16", [160, 160], toFloat16(normals(r, [160, 160], 1 / Math.sqrt(160))));
  const cast = b.node("Cast", [b.initializer("stored", stored)], { attributes: { to: 1 } });
  x = b.node("Relu", [b.node("MatMul", [x, cast])]);
  const same = b.node("Identity", [b.initializer("plain", weight(r, [160, 48], 160))]);
  b.output(b.node("MatMul", [x, same], { outputs: ["y"] }), "float32", [1, "time", 48]);
  return { name, model: b.model({ opset: 14 }), feeds: { x: floats([1, 7, 96], normals(r, [1, 7, 96])) } };
}

/** Opset 19: one weight used by three layers, and two layers whose separate weights are equal. */
export function shared(): ZooModel {
  const name = "shared-weights-opset19";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("left", "float32", ["batch", 128]);
  b.input("right", "float32", ["batch", 128]);
  const w = b.initializer("shared", weight(r, [128, 128], 128));
  const twin = weight(r, [128, 128], 128);
  b.initializer("twin.a", twin);
  b.initializer("twin.b", float32([128, 128], normals(seededAgain(name), [128, 128], 1 / Math.sqrt(128))));
  const tower = (x: string, own: string) =>
    b.node("Relu", [b.node("MatMul", [b.node("Relu", [b.node("MatMul", [x, w])]), own])]);
  const both = b.node("Mul", [tower("left", "twin.a"), tower("right", "twin.b")]);
  const again = b.node("MatMul", [both, w]);
  b.output(b.node("ReduceSum", [again, b.initializer("axes", axes())], { outputs: ["score"] }), "float32", [
    "batch",
    1,
  ]);
  b.output(b.node("Identity", [again], { outputs: ["joint"] }), "float32", ["batch", 128]);
  return {
    name,
    model: b.model({ opset: 19, ir: 9 }),
    feeds: {
      left: floats([2, 128], normals(r, [2, 128])),
      right: floats([2, 128], normals(r, [2, 128])),
    },
  };
}

const axes = () => tensor("int64", [1], BigInt64Array.of(-1n));

/** The generator of `shared` after its first weight: gives the same numbers as the twin. */
function seededAgain(name: string) {
  const r = seeded(name);
  normals(r, [128, 128]);
  return r;
}

/** Opset 23: a gated feed-forward block, with an initializer that is also an output. */
export function newest(): ZooModel {
  const name = "swiglu-opset23";
  const r = seeded(name);
  const b = graphBuilder(name);
  b.input("x", "float32", ["batch", "sequence", 128]);
  const normal = layerNorm(b, r, "norm", "x", 128);
  const gate = linear(b, r, "gate", normal, 128, 384);
  const silu = b.node("Mul", [gate, b.node("Sigmoid", [gate])]);
  const mixed = b.node("Mul", [silu, linear(b, r, "up", normal, 128, 384)]);
  b.output(b.node("Add", ["x", linear(b, r, "down", mixed, 384, 128)], { outputs: ["y"] }), "float32", [
    "batch",
    "sequence",
    128,
  ]);
  b.initializer("version", float32([], [3]));
  b.output("version", "float32", []);
  return { name, model: b.model({ opset: 23 }), feeds: { x: floats([1, 6, 128], normals(r, [1, 6, 128])) } };
}
