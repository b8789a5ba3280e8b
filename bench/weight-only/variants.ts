// What is compared: pare's methods, and those of onnxruntime.quantization.

/** Options of the quantize step beside number format and block. */
export type Method = Readonly<Record<string, unknown>>;

/** By label. Formats are added for each number of bits: symmetric (int) and with zero points (uint). */
export const methods: Readonly<Record<string, Method>> = {
  "nearest, absmax": { range: "absmax" },
  "nearest, mse": { range: "mse", rangeSteps: 20 },
  "nearest, hqq": { range: "hqq" },
  "nearest, importance": { range: "importance" },
  "nearest, importance of weights": { range: "importance", importance: "weights" },
  "gptq, absmax": { rounding: "gptq", range: "absmax" },
  "gptq, mse": { rounding: "gptq", range: "mse" },
  "gptq, hqq": { rounding: "gptq", range: "hqq" },
  "gptq, importance": { rounding: "gptq", range: "importance" },
  "gptq, importance, actOrder": { rounding: "gptq", range: "importance", actOrder: true },
  "gptq, importance, actOrder, sequential": {
    rounding: "gptq",
    range: "importance",
    actOrder: true,
    sequential: true,
  },
};

/** With the repair awq beside them, where it is there. */
export const withAwq: Readonly<Record<string, Method>> = {
  "awq, nearest, absmax": { range: "absmax", repair: ["awq"] },
  "awq, nearest, importance": { range: "importance", repair: ["awq"] },
  "awq, gptq, importance, actOrder": { rounding: "gptq", range: "importance", actOrder: true, repair: ["awq"] },
};

/** Algorithms of onnxruntime's MatMulNBitsQuantizer, with their flags. */
export const peerAlgorithms = [
  "default",
  "default+symmetric",
  "rtn",
  "hqq",
  "k_quant",
  "gptq",
  "gptq+actorder",
  "gptq+mse",
] as const;
