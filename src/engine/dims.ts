// Sizes of symbolic dimensions, as the engine needs them. The rules are about the graph alone and stand in ir/.

export { type Binding, bindDims, feedInputs, type GuessedDim, type StatedDims } from "../ir/dims.js";
