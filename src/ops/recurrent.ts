// Recurrent layers: W [directions, gates * hidden, input], R [directions, gates * hidden, hidden].

import { defineOperator, dimsOf, product } from "./operator.js";

export const recurrent = defineOperator({
  name: "recurrent",
  summary: "LSTM, GRU and RNN layers",
  reference: "https://onnx.ai/onnx/operators/onnx__LSTM.html",
  operators: ["LSTM", "GRU", "RNN", "com.microsoft:DynamicQuantizeLSTM"],
  weights(node) {
    // DynamicQuantizeLSTM holds its matrices transposed: [directions, input, gates * hidden].
    const transposed = node.opType === "DynamicQuantizeLSTM";
    const axes = transposed ? { outputAxis: 2, reductionAxis: 1 } : { outputAxis: 1, reductionAxis: 2 };
    return [
      { input: 1, role: "recurrent", ...axes },
      { input: 2, role: "recurrent", ...axes },
      ...(node.inputs[3] ? [{ input: 3, role: "vector", outputAxis: 1, reductionAxis: undefined } as const] : []),
    ];
  },
  // X is [sequence, batch, input], or [batch, sequence, input] with layout 1: each step runs both matrices in full.
  macs(node, shapes) {
    const x = dimsOf(node.inputs[0], shapes);
    const w = dimsOf(node.inputs[1], shapes);
    const r = dimsOf(node.inputs[2], shapes);
    return x && w && r ? product(x.slice(0, 2)) * (product(w) + product(r)) : undefined;
  },
});
