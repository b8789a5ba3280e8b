// MatMulNBits where no kernel is fast at its bits, its accuracy_level or its shape.

import { intOf } from "../../ir/attributes.js";
import { defineTrap } from "./trap.js";

export const packedProduct = defineTrap({
  name: "packed-product",
  summary: "MatMulNBits at bits, an accuracy_level or a shape without a fast kernel there",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits",
  operators: ["com.microsoft:MatMulNBits"],
  find({ view: { node }, target }) {
    const bits = intOf(node, "bits", 4);
    const level = intOf(node, "accuracy_level", 0);
    const fast = target.fast.matMulNBits.find((one) => one.bits === bits);
    const restart = "start from the float model";
    if (fast === undefined) {
      return {
        reason: `${bits} bits have no fast kernel of MatMulNBits there: ${target.why.matMulNBits}`,
        change: `${restart}: pare quantize <float model> --weights int${bits} --form extract --target ${target.name}`,
      };
    }
    // 4 bits have a kernel at every level; the others are decoded at every run below it.
    if (level !== fast.accuracyLevel && bits !== 4) {
      return {
        reason: `accuracy_level is ${level}, and ${bits} bits are fast at ${fast.accuracyLevel} alone: ${target.why.matMulNBits}`,
        change: `${restart}: pare quantize <float model> --weights int${bits} --form native --accuracy-level ${fast.accuracyLevel} --target ${target.name}`,
      };
    }
    const [k, n, block] = [intOf(node, "K", 0), intOf(node, "N", 0), intOf(node, "block_size", 0)];
    const missed = target.alignment.find(
      (one) =>
        one.form === "matMulNBits" &&
        ((one.k !== undefined && k % one.k !== 0) ||
          (one.n !== undefined && n % one.n !== 0) ||
          (one.block !== undefined && !one.block.includes(block))),
    );
    if (missed === undefined) return undefined;
    return {
      reason: `K ${k}, N ${n}, block ${block}: ${missed.why}`,
      change:
        missed.block?.includes(block) === false
          ? `${restart}: pare quantize <float model> --weights int${bits} --form native --block 32 --target ${target.name}`
          : "nothing: the shape is the model's; another kernel runs it, more slowly",
    };
  },
});
