// The SIMD kernels, one WebAssembly module. Memory is laid out by the caller (../machine.ts): no allocator, no runtime.

export { blocksAlongColumns } from "./blocks-along-columns";
export { blocksAlongRows } from "./blocks-along-rows";
export { castFloat16, widen } from "./cast-float16";
export { linearByColumn, linearByRow } from "./quantize-linear";
export { countNonFinite, statisticsByColumn, statisticsByRow } from "./statistics";
