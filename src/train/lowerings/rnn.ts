// The plain recurrent layer, unrolled: h' = tanh(x W' + h R' + b).

import { defineLowering } from "./lowering.js";
import { type Direction, type Step, unroll } from "./recurrence.js";

export const rnn = defineLowering({
  name: "rnn",
  summary: "RNN as its steps",
  reference: "https://onnx.ai/onnx/operators/onnx__RNN.html",
  operators: ["RNN"],
  lower: (site) => unroll(site, { activations: ["Tanh"], initial: [5], nodesPerStep: 3, direction: steps }),
});

function steps({ emit, hidden, clip, part, perStep, rows }: Direction): Step {
  const bias = part(3) === undefined ? [] : [emit.add(part(3, 0, hidden)!, part(3, hidden, 2 * hidden)!)];
  const affine = (inputs: readonly string[]) =>
    emit.op("Gemm", inputs, { dims: [emit.dims(inputs[0]!)[0]!, hidden], attributes: { transB: 1 } });
  const recurrent = part(2)!;
  const inputs = perStep(affine([rows, part(1)!, ...bias]));
  return (t, [h]) => [emit.tanh(clip(affine([h!, recurrent, inputs[t]!])))];
}
