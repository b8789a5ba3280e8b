// A dynamic Conv with signed weights: its kernel is many times slower than the one for uint8.

import { defineTrap, onCpu } from "./trap.js";

export const signedDynamicConv = defineTrap({
  name: "signed-dynamic-conv",
  summary: "ConvInteger with int8 weights: the kernel for uint8 is many times faster",
  reference: "https://onnx.ai/onnx/operators/onnx__ConvInteger.html",
  operators: ["ConvInteger"],
  find: ({ view, target, provider }) =>
    onCpu(provider) && view.dtype(view.node.inputs[1] ?? "") === "int8"
      ? {
          reason:
            "a CNN of ConvInteger with int8 weights took 5 times the time of float, on an x64 CPU without VNNI and in WebAssembly; with uint8 weights 1.1 and 0.8",
          change: `start from the float model: pare quantize <float model> --weights int8 --activations dynamic${target.fast.dynamicInt8Conv ? "" : " --keep Conv"}`,
        }
      : undefined,
});
