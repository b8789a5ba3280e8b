// A dynamic Conv on CPUs where quantizing every activation costs more than the integer kernel gains.

import { defineTrap, onCpu } from "./trap.js";

export const dynamicConv = defineTrap({
  name: "dynamic-conv",
  summary: "ConvInteger where quantizing the activations costs more than integer kernels gain",
  reference: "https://onnx.ai/onnx/operators/onnx__ConvInteger.html",
  operators: ["ConvInteger"],
  find({ view, target, provider }) {
    const [input = "", weights = ""] = view.node.inputs;
    // Signed weights are another, slower trap; an input that comes quantized costs nothing here.
    if (!onCpu(provider) || target.fast.dynamicInt8Conv || view.dtype(weights) === "int8") return undefined;
    if (!target.fast.dynamicInt8 || view.producer(input)?.node.opType !== "DynamicQuantizeLinear") return undefined;
    return {
      reason: target.why.dynamicInt8Conv,
      change: `start from the float model: pare quantize <float model> --weights int8 --activations dynamic --keep Conv --target ${target.name}`,
    };
  },
});
