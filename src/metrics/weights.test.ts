import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { float32, int64, type Tensor, tensor } from "../tensor/tensor.js";
import { constants } from "./constants.js";
import { nonZeroCount } from "./count-non-zero.js";
import { equalWeights, hash } from "./equal-weights.js";
import { layerSizes, weightBytesByNode } from "./layers.js";
import { parameterCount } from "./weights.js";

/** x MatMul w + b. */
function linear(weight: Tensor) {
  const b = graphBuilder();
  b.input("x", "float32", ["n", 4]);
  const w = b.initializer("w", weight);
  const c = b.initializer("b", float32([3], [0, 1, 2]));
  b.node("Add", [b.node("MatMul", ["x", w], { name: "product" }), c], { name: "sum", outputs: ["y"] });
  b.output("y", "float32", ["n", 3]);
  return b.model();
}

/** The same with the weight as uint8 codes: (Cast(codes) - Cast(zero)) * scale. */
function extracted(codes: Uint8Array, zero: number) {
  const b = graphBuilder();
  b.input("x", "float32", ["n", 4]);
  const cast = (name: string, value: Tensor) => b.node("Cast", [b.initializer(name, value)], { attributes: { to: 1 } });
  const centred = b.node("Sub", [
    cast("codes", tensor("uint8", [4, 3], codes)),
    cast("zero", tensor("uint8", [], Uint8Array.of(zero))),
  ]);
  const w = b.node("Mul", [centred, b.initializer("scale", float32([1, 3], [1, 2, 3]))], { name: "decode" });
  const c = b.initializer("b", float32([3], [0, 1, 2]));
  b.node("Add", [b.node("MatMul", ["x", w], { name: "product" }), c], { name: "sum", outputs: ["y"] });
  b.output("y", "float32", ["n", 3]);
  return b.model();
}

const ones = float32([4, 3], Array(12).fill(1));

describe("parameters", () => {
  test("count weights and biases, not shapes", () => {
    const b = graphBuilder();
    b.input("x", "float32", [4]);
    b.node("Reshape", ["x", b.initializer("shape", int64([2], [2, 2]))], { outputs: ["y"] });
    b.output("y", "float32", [2, 2]);
    expect(parameterCount(b.model())).toBe(0);
    expect(parameterCount(linear(ones))).toBe(15);
  });

  test("are the same when the weight becomes codes that extract themselves", () => {
    expect(parameterCount(extracted(new Uint8Array(12), 128))).toBe(15);
  });

  test("of MatMulNBits are K x N, packed as they may be", () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 32]);
    const codes = b.initializer("q", tensor("uint8", [3, 1, 16], new Uint8Array(48).fill(0x88)));
    const scales = b.initializer("s", float32([3, 1], [1, 1, 1]));
    b.node("MatMulNBits", ["x", codes, scales], {
      domain: "com.microsoft",
      attributes: { K: 32, N: 3, bits: 4, block_size: 32, accuracy_level: 0 },
      outputs: ["y"],
    });
    b.output("y", "float32", ["n", 3]);
    const model = b.model();
    expect(parameterCount(model)).toBe(96);
  });

  test("in both branches of an If and in a Constant node", () => {
    const branch = (value: number) => {
      const b = graphBuilder(`branch${value}`);
      b.initializer(`c${value}`, float32([5], Array(5).fill(value)));
      b.node("Identity", [`c${value}`], { outputs: [`o${value}`] });
      b.output(`o${value}`, "float32", [5]);
      return b.graph();
    };
    const b = graphBuilder();
    b.input("cond", "bool", []);
    b.node("If", ["cond"], {
      name: "choice",
      attributes: {
        then_branch: { type: "graph", value: branch(1) },
        else_branch: { type: "graph", value: branch(2) },
      },
      outputs: ["y"],
    });
    b.output("y", "float32", [5]);
    const model = b.model();
    expect(parameterCount(model)).toBe(10);
    expect(constants(model).map(({ scope, name }) => `${scope}:${name}`)).toEqual([
      "choice/then_branch:c1",
      "choice/else_branch:c2",
    ]);
    expect(layerSizes([model])).toEqual([{ name: "choice", op: "If", bytes: [40] }]);
  });
});

describe("non-zeros", () => {
  test("float: zero and minus zero do not count, NaN does", async () => {
    const w = float32([4, 3], [0, -0, 1, Number.NaN, 0, 0, 0, 0, 0, 0, 0, 2]);
    expect(await nonZeroCount(linear(w))).toBe(3 + 2);
  });

  test("codes are compared with their zero point", async () => {
    const codes = Uint8Array.from({ length: 12 }, (_, i) => (i < 5 ? 128 : i));
    expect(await nonZeroCount(extracted(codes, 128))).toBe(7 + 2);
  });

  test("float16 and any order of bytes, against a plain count", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 24, maxLength: 24 }), async (bytes) => {
        const words = new Uint16Array(bytes.slice().buffer);
        const expected = words.reduce((sum, word) => sum + Number((word & 0x7fff) !== 0), 0);
        expect(await nonZeroCount(linear(tensor("float16", [4, 3], bytes)))).toBe(expected + 2);
      }),
    );
  });

  test("4-bit codes of MatMulNBits: 8 is zero", async () => {
    const b = graphBuilder();
    b.input("x", "float32", ["n", 32]);
    const bytes = new Uint8Array(16).fill(0x88);
    bytes[3] = 0x81;
    const codes = b.initializer("q", tensor("uint8", [1, 1, 16], bytes));
    const scales = b.initializer("s", float32([1, 1], [1]));
    b.node("MatMulNBits", ["x", codes, scales], {
      domain: "com.microsoft",
      attributes: { K: 32, N: 1, bits: 4, block_size: 32 },
      outputs: ["y"],
    });
    b.output("y", "float32", ["n", 1]);
    expect(await nonZeroCount(b.model())).toBe(1);
  });
});

describe("layers", () => {
  test("bytes belong to the node that uses the weight, however it is decoded", () => {
    const before = linear(ones);
    const after = extracted(new Uint8Array(12), 0);
    const names = [...weightBytesByNode(after)].map(([node, bytes]) => [node.name, bytes]);
    expect(names).toEqual([
      ["product", 12 + 1 + 12],
      ["sum", 12],
    ]);
    expect(layerSizes([before, after])).toEqual([
      { name: "product", op: "MatMul", bytes: [48, 25] },
      { name: "sum", op: "Add", bytes: [12, 12] },
    ]);
  });
});

describe("equal weights", () => {
  const many = (values: Readonly<Record<string, Tensor>>) => {
    const b = graphBuilder();
    b.input("x", "float32", [32]);
    const sums = Object.entries(values).map(([name, value]) => b.node("Add", ["x", b.initializer(name, value)]));
    b.node("Sum", sums, { outputs: ["y"] });
    b.output("y", "float32", [32]);
    return constants(b.model());
  };
  const values = (offset: number) =>
    float32(
      [32],
      Array.from({ length: 32 }, (_, i) => i + offset),
    );

  test("are found by their bytes, whatever their names", async () => {
    const found = await equalWeights(many({ a: values(0), b: values(1), c: values(0), d: values(1), e: values(2) }));
    expect(found.map((group) => group.map(({ name }) => name))).toEqual([
      ["a", "c"],
      ["b", "d"],
    ]);
  });

  test("only of one type and shape", async () => {
    const bytes = new Uint8Array(128);
    const found = await equalWeights(many({ a: tensor("float32", [32], bytes), b: tensor("int32", [32], bytes) }));
    expect(found).toEqual([]);
  });

  test("the hash does not depend on how the bytes come in pieces", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.array(fc.nat(64)), async (bytes, cuts) => {
        const whole = {
          byteLength: bytes.length,
          read: async () => bytes,
          stream: async function* () {
            yield bytes;
          },
        };
        const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const pieces = {
          ...whole,
          stream: async function* () {
            for (const [i, at] of places.entries()) yield bytes.subarray(at, places[i + 1] ?? bytes.length);
          },
        };
        expect(await hash(pieces)).toBe(await hash(whole));
      }),
    );
  });
});
