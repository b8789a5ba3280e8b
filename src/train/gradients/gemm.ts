// Y = alpha A' B' + beta C, where ' is an optional transpose: products of dY with the other operand, in the order and with
// the transposes that give the operand as it is stored, so that no Transpose is written.

import { float, floatOf, intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";

export const gemm = defineGradient({
  name: "gemm",
  summary: "Gemm: transposes, alpha, beta, bias broadcast or absent",
  reference: "https://onnx.ai/onnx/operators/onnx__Gemm.html",
  operators: ["Gemm"],
  backward({ node, emit, input, gradient, needs }) {
    const dy = gradient(0)!;
    const alpha = floatOf(node, "alpha", 1);
    const transA = intOf(node, "transA", 0) !== 0;
    const transB = intOf(node, "transB", 0) !== 0;
    const product = (a: string, turnA: boolean, b: string, turnB: boolean, dims: readonly number[]) =>
      emit.op("Gemm", [a, b], {
        dims,
        attributes: { transA: turnA ? 1 : 0, transB: turnB ? 1 : 0, alpha: float(alpha) },
      });
    const [a, b] = [input(0), input(1)];
    const gradientOfA = () =>
      transA ? product(b, transB, dy, true, emit.dims(a)) : product(dy, false, b, !transB, emit.dims(a));
    const gradientOfB = () =>
      transB ? product(dy, true, a, transA, emit.dims(b)) : product(a, !transA, dy, false, emit.dims(b));
    return [
      needs(0) ? gradientOfA() : undefined,
      needs(1) ? gradientOfB() : undefined,
      needs(2) ? emit.scale(dy, floatOf(node, "beta", 1)) : undefined,
    ];
  },
});
