// Execution providers of ONNX Runtime, and the operators that each has a kernel for.

/** An execution provider, in one build of it: "wasm" is the CPU provider of onnxruntime-web. */
export type ProviderName = "cpu" | "wasm" | "webgpu" | "cuda" | "dml";
