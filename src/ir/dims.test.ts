import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32 } from "../tensor/tensor.js";
import { graphBuilder } from "./build.js";
import { evaluateSymbol } from "./dim-names.js";
import { bindDims, statedOf } from "./dims.js";
import type { Shape } from "./model.js";

function model(inputs: Readonly<Record<string, Shape | undefined>>) {
  const b = graphBuilder();
  for (const [name, shape] of Object.entries(inputs)) {
    b.node("Identity", [shape === undefined ? b.input(name, "float32") : b.input(name, "float32", shape)]);
  }
  return b.model();
}
const zeros = (dims: number[]) => float32(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
const shapesOf = (m: ReturnType<typeof model>, stated = {}) => Object.fromEntries(bindDims(m, stated).shapes);

describe("stated sizes", () => {
  const two = model({ a: ["batch", "seq"], b: ["batch", 4, "seq"] });

  test("one symbol has one size in all inputs", () => {
    expect(shapesOf(two, { batch: 2, seq: 7 })).toEqual({ a: [2, 7], b: [2, 4, 7] });
    expect(shapesOf(two, { a: [3, 5] })).toEqual({ a: [3, 5], b: [3, 4, 5] });
    expect(bindDims(two, { batch: 2, seq: 7 }).guesses).toEqual([]);
  });

  test("contradictions and unknown names are refused", () => {
    const code = (stated: Record<string, number | number[]>) => {
      try {
        bindDims(two, stated);
      } catch (error) {
        return (error as { code: string }).code;
      }
      return "accepted";
    };
    expect(code({ batch: 2, a: [3, 5] })).toBe("dim-conflict");
    expect(code({ b: [1, 5, 6] })).toBe("shape-conflict");
    expect(code({ b: [1, 4] })).toBe("shape-conflict");
    expect(code({ sequence: 4 })).toBe("dim-unknown");
    expect(code({ c: [1] })).toBe("dim-unknown");
    expect(code({ seq: -1 })).toBe("dim-size");
    expect(code({ seq: 1.5 })).toBe("dim-size");
    expect(code({ seq: 0 })).toBe("accepted");
  });

  test("unnamed dimensions by place", () => {
    expect(shapesOf(model({ x: [null, 3, null, null] }), { "x[2]": 64, "x[3]": 48 })).toEqual({ x: [1, 3, 64, 48] });
  });

  test("a question mark is no name: each stands for itself", () => {
    expect(shapesOf(model({ x: [1, 3, "?", "?"] }), { x: [1, 3, 48, 192] })).toEqual({ x: [1, 3, 48, 192] });
  });

  test("a binding states itself", () => {
    const sizes = fc.record({ batch: fc.integer({ min: 0, max: 9 }), seq: fc.integer({ min: 0, max: 99 }) });
    fc.assert(
      fc.property(sizes, (stated) => {
        const binding = bindDims(two, stated);
        const again = bindDims(two, statedOf(binding));
        expect([...again.shapes]).toEqual([...binding.shapes]);
        expect(again.guesses).toEqual([]);
      }),
    );
  });
});

describe("guesses", () => {
  test("by name, each with a note", () => {
    const binding = bindDims(model({ pixel_values: ["batch_size", "num_channels", "height", "width"] }));
    expect([...binding.shapes.values()]).toEqual([[1, 3, 224, 224]]);
    expect(binding.guesses.map(({ code }) => code)).toEqual(Array(4).fill("dim-guessed"));
  });

  test("by what reads the input", () => {
    const b = graphBuilder();
    const x = b.input("x", "float32", ["n", "c", null, null]);
    b.node("Conv", [b.node("Relu", [x]), b.initializer("w", zeros([8, 2, 3, 3]))], { attributes: { group: 3 } });
    const y = b.input("y", "float32", [null, "k"]);
    b.node("Gemm", [y, b.initializer("g", zeros([5, 11]))], { attributes: { transB: 1 } });
    const z = b.input("z", "float32", ["rows", "cols"]);
    b.node("MatMul", [b.node("Transpose", [z], { attributes: { perm: [1, 0] } }), b.initializer("m", zeros([13, 4]))]);
    expect(shapesOf(b.model())).toEqual({ x: [1, 6, 224, 224], y: [1, 11], z: [13, 16] });
  });

  test("an input without a shape takes the rank that its operator demands", () => {
    const b = graphBuilder();
    b.node("Conv", [b.input("x", "float32"), b.initializer("w", zeros([8, 3, 3, 3]))]);
    expect(shapesOf(b.model())).toEqual({ x: [1, 3, 224, 224] });
  });

  test("a decoder's lengths hang together", () => {
    const decoder = model({
      input_ids: ["batch_size", "sequence_length"],
      attention_mask: ["batch_size", "past_sequence_length + sequence_length"],
      "past_key_values.0.key": ["batch_size", 4, "past_sequence_length", 32],
    });
    for (const past of [0, 5]) {
      expect(shapesOf(decoder, { past_sequence_length: past, sequence_length: 3 })).toEqual({
        input_ids: [1, 3],
        attention_mask: [1, past + 3],
        "past_key_values.0.key": [1, 4, past, 32],
      });
    }
  });

  test("inputs that an initializer fills are not fed", () => {
    const b = graphBuilder();
    b.node("Add", [b.input("x", "float32", [2]), b.input("w", "float32", [2])]);
    b.initializer("w", zeros([2]));
    expect(Object.keys(shapesOf(b.model()))).toEqual(["x"]);
  });
});

test("expressions as exporters write them", () => {
  const sizes = new Map([
    ["past_length", 3],
    ["length", 2],
    ["height", 9],
  ]);
  const cases: [string, number | undefined][] = [
    ["past_length + 1", 4],
    ["past_length + length", 5],
    ["2*length", 4],
    ["floor(height/2) + 1", 5],
    ["(height - 1)//2*length", 8],
    ["height", undefined],
    ["unknown + 1", undefined],
    ["length - height", undefined],
    ["((((", undefined],
    ["1 +", undefined],
  ];
  for (const [text, value] of cases) expect(evaluateSymbol(text, sizes), text).toBe(value);
});
