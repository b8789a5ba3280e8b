// The SIMD kernels, one WebAssembly module. Memory is laid out by the caller (../machine.ts): no allocator, no runtime.

export { castFloat16, widen } from "./cast-float16";
export { blocksAlongColumns, blocksAlongRows } from "./quantize-blocks";
export { linearByColumn, linearByRow } from "./quantize-linear";
export { statisticsByColumn, statisticsByRow } from "./statistics";
