// The SIMD kernels, one WebAssembly module. Memory is laid out by the caller (../machine.ts): no allocator, no runtime.

export { blocksAlongColumns } from "./blocks-along-columns";
export { blocksAlongRows } from "./blocks-along-rows";
export { castBfloat16 } from "./cast-bfloat16";
export { castFloat16, widen } from "./cast-float16";
export { clipSpan, gather } from "./encode-clip";
export { encodeRows, encodeRuns } from "./encode-codes";
export { scalesOfSpans, spansAlongColumns, spansAlongRows } from "./encode-scales";
export { searchAlongColumns, searchAlongRows, useRatios } from "./encode-search";
export { useDraws, useFloat, useGrid, useScaling } from "./encode-state";
export { histogram } from "./histogram";
export { packPlane, transposeCodes } from "./pack";
export { linearByColumn, linearByColumn16, linearByRow, linearByRow16 } from "./quantize-linear";
export { countNonFinite, statisticsByColumn, statisticsByRow } from "./statistics";
export { moments, uniformBins } from "./uniform-bins";
