// Batch norm folded into each kind of layer: equal results on the engine; and why it is not folded, where it is not.

import { describe, expect, it } from "vitest";
import { type AttributeInput, float } from "../../src/ir/attributes.js";
import type { GraphBuilder } from "../../src/ir/build.js";
import { passes } from "../../src/passes/index.js";
import { toFloat16 } from "../../src/tensor/float16.js";
import { float32, tensor } from "../../src/tensor/tensor.js";
import { model, normals, proved, value, weight } from "../support/proved.js";
import { services } from "../support/services.js";

/** 4 ulp of float32 times the depth of the sums here. */
const ROUNDING = 2e-6;

function norm(b: GraphBuilder, x: string, channels: number, attributes: Record<string, AttributeInput> = {}) {
  const positive = (seed: number) =>
    float32(
      [channels],
      normals([channels], seed).map((v) => Math.abs(v) + 0.2),
    );
  const inputs = [
    b.initializer("g", positive(2)),
    b.initializer("b", weight([channels], 3)),
    b.initializer("m", weight([channels], 4)),
    b.initializer("v", positive(5)),
  ];
  return b.node("BatchNormalization", [x, ...inputs], { name: "bn", attributes });
}

describe("fold-batch-norm", () => {
  const cases: [string, readonly number[], (b: GraphBuilder) => string][] = [
    ["Conv", [2, 4, 6, 6], (b) => b.node("Conv", ["x", b.initializer("w", weight([8, 4, 3, 3]))])],
    [
      "grouped Conv with bias",
      [2, 4, 6, 6],
      (b) => {
        const inputs = ["x", b.initializer("w", weight([8, 2, 3, 3])), b.initializer("c", weight([8], 7))];
        return b.node("Conv", inputs, { attributes: { group: 2 } });
      },
    ],
    ["1-D Conv", [2, 4, 9], (b) => b.node("Conv", ["x", b.initializer("w", weight([8, 4, 3]))])],
    [
      "grouped ConvTranspose",
      [2, 4, 5, 5],
      (b) => b.node("ConvTranspose", ["x", b.initializer("w", weight([4, 4, 2, 2]))], { attributes: { group: 2 } }),
    ],
    [
      "Gemm with transB, alpha and beta",
      [3, 5],
      (b) => {
        const inputs = ["x", b.initializer("w", weight([8, 5])), b.initializer("c", weight([8], 7))];
        return b.node("Gemm", inputs, { attributes: { transB: 1, alpha: float(0.5), beta: float(3) } });
      },
    ],
    [
      "Gemm with a scalar bias",
      [3, 5],
      (b) => b.node("Gemm", ["x", b.initializer("w", weight([5, 8])), b.initializer("c", float32([], [2]))]),
    ],
    ["MatMul", [3, 5], (b) => b.node("MatMul", ["x", b.initializer("w", weight([5, 8]))])],
    [
      "MatMul and Add",
      [3, 5],
      (b) =>
        b.node("Add", [b.node("MatMul", ["x", b.initializer("w", weight([5, 8]))]), b.initializer("c", weight([8]))]),
    ],
  ];
  for (const [name, dims, layer] of cases) {
    it(`into ${name}`, async () => {
      const before = model((b) => {
        b.input("x", "float32", dims);
        b.output(norm(b, layer(b), 8, { epsilon: 0.01 }));
      });
      const { operators, notes, again } = await proved("fold-batch-norm", before, { x: value(dims) }, ROUNDING);
      expect(operators).not.toContain("BatchNormalization");
      expect(notes.map((note) => note.code)).toEqual(["batch-norm-folded"]);
      expect(again.changed).toBe(false);
    });
  }

  it("of float16 weights", async () => {
    const half = (dims: readonly number[], seed: number) =>
      tensor("float16", dims, toFloat16(normals(dims, seed).map((v) => Math.abs(v) + 0.2)));
    const before = model(
      (b) => {
        b.input("x", "float16", [1, 2, 4, 4]);
        const y = b.node("Conv", ["x", b.initializer("w", half([4, 2, 3, 3], 1))]);
        const rest = ["g", "b", "m", "v"].map((name, i) => b.initializer(name, half([4], i)));
        b.output(b.node("BatchNormalization", [y, ...rest]));
      },
      { opset: 15 },
    );
    const x = { dtype: "float16", dims: [1, 2, 4, 4], data: toFloat16(normals([32], 3)) } as const;
    // float16 has 11 bits: half a step for the weight, the bias and the result each.
    const { operators } = await proved("fold-batch-norm", before, { x }, 4 * 2 ** -11);
    expect(operators).toEqual(["Conv"]);
  });

  it("copies a weight that others use", async () => {
    const before = model((b) => {
      b.input("x", "float32", [1, 4, 6, 6]);
      const w = b.initializer("w", weight([4, 4, 3, 3]));
      b.output(norm(b, b.node("Conv", ["x", w]), 4));
      b.output(b.node("Conv", ["x", w], { outputs: ["plain"] }));
    });
    const { model: after } = await proved("fold-batch-norm", before, { x: value([1, 4, 6, 6]) }, ROUNDING);
    expect(after.graph.initializers.get("w")).toBe(before.graph.initializers.get("w"));
    expect(after.graph.initializers.has("w_folded")).toBe(true);
  });

  const kept: [string, RegExp, (b: GraphBuilder) => void, Parameters<typeof model>[1]?][] = [
    [
      "training mode",
      /training mode/,
      (b) =>
        b.output(norm(b, b.node("Conv", ["x", b.initializer("w", weight([4, 4, 3, 3]))]), 4, { training_mode: 1 })),
    ],
    [
      "a result that is used elsewhere",
      /used elsewhere/,
      (b) => {
        const y = b.node("Conv", ["x", b.initializer("w", weight([4, 4, 3, 3]))]);
        b.output(norm(b, y, 4));
        b.output(b.node("Relu", [y]));
      },
    ],
    [
      "a weight that is computed",
      /not a dense constant/,
      (b) => b.output(norm(b, b.node("Conv", ["x", b.node("Relu", [b.initializer("w", weight([4, 4, 3, 3]))])]), 4)),
    ],
    [
      "MatMul of unknown rank",
      /not known to be a matrix/,
      (b) => b.output(norm(b, b.node("MatMul", [b.node("Relu", ["x"]), b.initializer("w", weight([6, 4]))]), 4)),
    ],
    [
      "a bias that moves the channels",
      /more axes/,
      (b) => {
        b.input("rows", "float32", [4, 6]);
        const y = b.node("MatMul", ["rows", b.initializer("w", weight([6, 4]))]);
        b.output(norm(b, b.node("Add", [y, b.initializer("c", weight([1, 1, 4]))]), 4));
      },
    ],
    ["no layer before it", /no layer/, (b) => b.output(norm(b, "x", 4))],
  ];
  for (const [name, why, fill, options] of kept) {
    it(`says why not: ${name}`, async () => {
      const before = model((b) => {
        b.input("x", "float32", [1, 4, 6, 6]);
        fill(b);
      }, options);
      const { notes, changed } = await passes.get("fold-batch-norm").apply(before, services);
      expect(changed).toBe(false);
      expect(notes[0]).toMatchObject({ code: "batch-norm-kept", node: "bn" });
      expect(notes[0]?.text).toMatch(why);
    });
  }
});
