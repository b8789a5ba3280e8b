// The door of `data/`: what verbs, metrics and the command line need of datasets.

export { type AugmentInput, augmentations, augmentInput } from "./augment/index.js";
export { openDataset } from "./open.js";
export type { DataServices } from "./place.js";
export { readers } from "./readers/index.js";
export { type DatasetSpec, schemas as datasetSchemas } from "./spec.js";
export { tokenizers } from "./tokenizers/index.js";
