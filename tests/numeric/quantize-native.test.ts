// Native forms on the engine: near to the float model, exactly what their codes and scales say, and explained.

import { describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import { int, ints } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { int64, tensor } from "../../src/tensor/tensor.js";
import type { Value } from "../../src/tensor/value.js";
import { apply, bytesOf, floatsOf } from "../support/native-forms.js";
import { type Case, cases, one, quantized, sqnr, value, weight } from "../support/quantize-cases.js";
import { services } from "../support/services.js";

describe("MatMulNBits", () => {
  it.each([2, 4, 8])("computes with the numbers that its %i bits stand for", async (bits) => {
    const given = cases.MatMul!;
    const [K, N] = [80, 48];
    for (const block of [16, 32, 128]) {
      for (const symmetric of [true, false]) {
        const options = { weights: `int${bits}`, form: "native", block, symmetric, accuracyLevel: 1 };
        const { model } = await apply(given.model, options);
        const constants = model.graph.initializers;
        const codes = await bytesOf(constants.get("w_quantized"));
        const scales = await floatsOf(constants.get("w_scale"));
        const zeros = symmetric ? undefined : await bytesOf(constants.get("w_zero_point"));
        const blocks = scales.length / N;
        const field = (bytes: Uint8Array, at: number) =>
          (bytes[Math.floor((at * bits) / 8)]! >> ((at * bits) % 8)) & (2 ** bits - 1);
        const size = (codes.length * 8) / bits / N / blocks;
        const decoded = new Float32Array(K * N);
        for (let n = 0; n < N; n++) {
          for (let k = 0; k < K; k++) {
            const part = Math.floor(k / size);
            const row = zeros?.subarray((n * zeros.length) / N, ((n + 1) * zeros.length) / N);
            const zero = row ? field(row, part) : 2 ** (bits - 1);
            decoded[k * N + n] = (field(codes, n * blocks * size + k) - zero) * scales[n * blocks + part]!;
          }
        }
        const plain = one(
          (b) => b.node("MatMul", ["x", b.initializer("w", tensor("float32", [K, N], decoded))]),
          given.feeds,
        );
        const [a] = Object.values(await run(plain.model, given.feeds, services));
        const [b] = Object.values(await run(model, given.feeds, services));
        expect(sqnr(a!, b!)).toBeGreaterThan(100);
      }
    }
  });

  it("searches ranges and rounds at random as asked", async () => {
    const near = await quantized(cases.MatMul!, { weights: "int2", form: "native", range: "absmax", accuracyLevel: 1 });
    const searched = await quantized(cases.MatMul!, {
      weights: "int2",
      form: "native",
      range: "mse",
      accuracyLevel: 1,
    });
    // On weights as few as these: on real ones the search gains 0.5 to 2.5 dB.
    expect(searched.db).toBeGreaterThan(near.db + 0.2);
    const draw = (seed: number) =>
      quantized(cases.MatMul!, { weights: "int4", form: "native", rounding: "stochastic", seed });
    const [a, b] = [await draw(1), await draw(2)];
    expect(a.db).not.toBe(b.db);
    expect(a.db).toBeGreaterThan(8);
  });

  it("takes matrices through chains, in either order, and in the type that they are used in", async () => {
    const half = (dims: readonly number[]) => {
      const count = dims.reduce((all, dim) => all * dim, 1);
      return tensor(
        "float16",
        dims,
        Uint16Array.from({ length: count }, (_, at) => 0x2c00 + ((at * 7919) % 2048) + ((at % 2) << 15)),
      );
    };
    const chained: Record<string, Case> = {
      "reshaped and transposed": one(
        (b) => {
          b.initializer("w", weight(6, 8, 64));
          b.initializer("shape", int64([2], [48, -1]));
          const flat = b.node("Reshape", ["w", "shape"]);
          return b.node("MatMul", ["x", b.node("Transpose", [b.node("Identity", [flat])])]);
        },
        { x: value(3, 64) },
      ),
      "stored in float16": one(
        (b) => {
          b.initializer("w", half([64, 48]));
          return b.node("MatMul", ["x", b.node("Cast", ["w"], { attributes: { to: int(1) } })]);
        },
        { x: value(3, 64) },
      ),
      squeezed: one(
        (b) => {
          b.initializer("w", weight(1, 64, 48));
          b.initializer("axis", int64([1], [0]));
          return b.node("Gemm", ["x", b.node("Squeeze", ["w", "axis"])]);
        },
        { x: value(3, 64) },
      ),
    };
    for (const [name, given] of Object.entries(chained)) {
      for (const options of [
        { weights: "int4" },
        { weights: "nf4", block: 64 },
        { weights: "uint8", scales: "float32" },
      ]) {
        const made = await quantized(given, { form: "native", ...options });
        expect(made.ops, name).toEqual([options.weights === "nf4" ? "MatMulBnb4" : "MatMulNBits"]);
        expect(made.db, name).toBeGreaterThan(14);
      }
    }
  });
});

describe("GatherBlockQuantized", () => {
  const table = (columns: number) =>
    one((b) => b.node("Gather", [b.initializer("w", weight(60, columns)), "i"]), cases.Gather!.feeds);
  it.each([64, 40, 34])("reads rows of %i, whole blocks or not", async (columns) => {
    for (const [weights, db] of [
      ["int4", 16],
      ["uint4", 16],
      ["int8", 38],
      ["uint8", 38],
      ["int2", 5],
    ] as const) {
      const made = await quantized(table(columns), { weights, form: "native" });
      // Codes of a row must fill whole bytes.
      if (weights === "int2" && columns % 4 !== 0) continue;
      expect(made.ops).toEqual(["GatherBlockQuantized"]);
      expect(made.db).toBeGreaterThan(db);
    }
  });

  it("shares its codes with the product of a tied weight", async () => {
    for (const weights of ["int4", "uint8"]) {
      const { model, ops, db } = await quantized(cases.tied!, { weights, form: "native" });
      expect([...ops].sort()).toEqual(["GatherBlockQuantized", "MatMulNBits", "Reshape"]);
      expect([...model.graph.initializers.values()].filter(({ dtype }) => dtype === "uint8")).toHaveLength(
        weights === "int4" ? 1 : 2,
      );
      expect(db).toBeGreaterThan(14);
    }
  });
});

describe("DequantizeLinear", () => {
  const formats = [
    { weights: "int8", db: 36 },
    { weights: "uint8", db: 36 },
    { weights: "int8", granularity: "tensor", db: 30 },
    { weights: "int8", granularity: "block", db: 36, blocks: true },
    { weights: "int4", db: 12 },
    { weights: "uint4", db: 12 },
    { weights: "int16", db: 70 },
    { weights: "uint16", db: 70 },
    { weights: "uint16", symmetric: true, db: 70 },
    { weights: "float8e4m3fn", db: 24 },
    { weights: "int2", db: 2 },
  ];
  it.each(formats)("$weights $granularity stands before every operator", async ({ db, blocks, ...options }) => {
    for (const [name, given] of Object.entries(cases)) {
      const conv = name.startsWith("Conv") || name === "LSTM";
      const made = await quantized(given, { ...options, form: "dequantize", block: 16 });
      if (blocks && conv) continue;
      expect(made.ops, name).toContain("DequantizeLinear");
      expect(made.db, name).toBeGreaterThan(db - (conv ? 6 : 0));
    }
  });

  it("finds the channels of a 1x1 kernel of ConvTranspose", async () => {
    const x = value(1, 40, 3, 3);
    const given = one((b) => b.node("ConvTranspose", ["x", b.initializer("w", weight(40, 16, 1, 1))]), { x });
    const made = await quantized(given, { weights: "int8", granularity: "channel", form: "dequantize" });
    expect(made.ops).toContain("DequantizeLinear");
    expect(made.db).toBeGreaterThan(30);
  });

  it("raises the opset as far as its type needs", async () => {
    const opset = async (options: object) =>
      (await apply(cases.MatMul!.model, { form: "dequantize", ...options })).model.opsets.get("");
    expect(await opset({ weights: "int8" })).toBe(17);
    expect(await opset({ weights: "float8e5m2", granularity: "channel" })).toBe(19);
    expect(await opset({ weights: "int8", granularity: "block" })).toBe(21);
    expect(await opset({ weights: "uint2" })).toBe(25);
  });

  it("says that it is slow, and where activations may be rounded", async () => {
    const { notes } = await apply(cases.tied!.model, { form: "dequantize" });
    expect(notes.map(({ code }) => code)).toEqual(expect.arrayContaining(["slow-form", "rounds-activations"]));
  });
});

describe("a choice is explained", () => {
  const text = async (name: string, options: object, target: string) => {
    const { notes } = await apply(cases[name]!.model, options, target);
    return notes.map((note) => `${note.code}: ${note.text}`).join("\n");
  };
  it("by the row of the target that made it", async () => {
    expect(await text("MatMul", { weights: "int4" }, "node")).toMatch(/form-chosen: MatMulNBits reads "w".*0\.33/);
    expect(await text("MatMul", { weights: "int4" }, "wasm")).toMatch(/form-left: "w": .*MatMulNBits.*9 to 10 times/);
    expect(await text("Gemm", { weights: "nf4" }, "node")).toMatch(/form-left: .*MatMulBnb4/);
    expect(await text("MatMul", { weights: "int4", form: "native" }, "wasm")).toMatch(/slow-form: MatMulNBits/);
  });

  it("8 and 2 bits on the CPU only for few rows, or when asked for", async () => {
    const product = (...dims: (number | string)[]) => {
      const b = graphBuilder();
      b.initializer("w", weight(80, 48));
      b.output(b.node("MatMul", [b.input("x", "float32", dims), "w"]), "float32");
      return b.model({ opset: 17 });
    };
    const made = async (model: Model, options: object, target = "node") => {
      const { model: after, notes } = await apply(model, options, target);
      const native = after.graph.nodes.some(({ opType }) => opType === "MatMulNBits");
      return `${native ? "native" : "extract"}; ${notes.map((note) => `${note.code}: ${note.text}`).join("; ")}`;
    };
    for (const weights of ["int8", "int2"]) {
      expect(await made(product(8, 80), { weights })).toMatch(/^native.*form-chosen/);
      const many = await made(product(9, 80), { weights });
      expect(many).toMatch(/^extract.*form-left: "w": .*more than 8 rows.*1\.65.*--form native/);
      const unknown = await made(product("batch", 80), { weights });
      expect(unknown).toMatch(/^extract.*form-left: "w": .*the file does not say.*--form native/);
      expect(await made(product(9, 80), { weights, form: "native" })).toMatch(/^native.*slow-form: MatMulNBits/);
      expect(await made(product("batch", 80), { weights, form: "native" })).toMatch(/^native(?!.*slow-form)/);
    }
    expect(await made(product(128, 80), { weights: "int4" })).toMatch(/^native/);
    expect(await made(product(128, 80), { weights: "int8" }, "webgpu")).toMatch(/^native/);
  });

  it("tables stay float where a build of the runtime has no kernel for them", async () => {
    expect(await text("Gather", { weights: "int4" }, "node")).toMatch(/form-chosen: GatherBlockQuantized/);
    expect(await text("Gather", { weights: "int4" }, "wasm")).toMatch(
      /form-left: "w": .*GatherBlockQuantized, .*that hold WebGPU/,
    );
    expect(await text("Gather", { weights: "int2" }, "webgpu")).toMatch(/form-left: .*at 4 and 8 bits/);
  });

  it("dynamic convolutions, where they are slower than float", async () => {
    const options = { weights: "int8", activations: "dynamic" };
    for (const target of ["node", "any"]) {
      expect(await text("Conv", options, target)).toMatch(/slow-form: 1 Conv .*--keep Conv/);
    }
    expect(await text("Conv", options, "wasm")).not.toMatch(/slow-form/);
    expect(await text("MatMul", options, "node")).not.toMatch(/slow-form/);
  });

  it("with conditions that a weight does not meet", async () => {
    expect(await text("MatMul", { weights: "int4" }, "webgpu")).toMatch(/kernel-alignment: "w": .*multiple of 128/);
    expect(await text("MatMul", { weights: "int8", form: "native", accuracyLevel: 0 }, "node")).toMatch(
      /below accuracy level 4/,
    );
  });

  it("and where there is no such operator, that is one error", async () => {
    await expect(apply(cases.Conv!.model, { weights: "float8e4m3fn", form: "native" })).rejects.toMatchObject({
      expected: expect.stringContaining("MatMulNBits"),
    });
    const { notes } = await apply(cases.Conv!.model, { weights: "int4", form: "native" });
    expect(notes.map(({ text }) => text).join("\n")).toMatch(/Conv cannot read packed weights; form native/);
  });
});

it("float16 activations have float16 scales", async () => {
  const b = graphBuilder();
  b.input("x", "float16", [2, 64]);
  const wide = b.initializer("w", weight(48, 64));
  const turned = b.node("Transpose", [wide], { attributes: { perm: ints([1, 0]) } });
  b.output(b.node("MatMul", ["x", b.node("Cast", [turned], { attributes: { to: int(10) } })]));
  const { model } = await apply(b.model({ opset: 17 }), { weights: "int4", form: "native" });
  expect(model.graph.initializers.get("w_scale")?.dtype).toBe("float16");
  const feeds: Record<string, Value> = {
    x: { dtype: "float16", dims: [2, 64], data: new Uint16Array(128).fill(0x3c00) },
  };
  const [before] = Object.values(await run(b.model({ opset: 17 }), feeds, services));
  const [after] = Object.values(await run(model, feeds, services));
  expect(after!.dims).toEqual(before!.dims);
});
