/**
 * pare: make a trained ONNX model smaller and faster, with the proof of what was lost.
 *
 * Five verbs, in the order of the flow: {@link load}, {@link inspect}, {@link compress}, {@link measure}, {@link save};
 * beside them {@link pare} (tries, judges, chooses), {@link verify} and {@link run}.
 *
 * @module
 */

export type { Context, Progress } from "./base/context.js";
export { describeError, type ErrorKind, failed, invalid, PareError, unsupported } from "./base/errors.js";
export type { Note } from "./base/note.js";
export type { Method, Registry } from "./base/registry.js";
export { type CheckOptions, type CheckResult, check } from "./check.js";
export { type CompressOptions, type CompressResult, compress } from "./compress.js";
export {
  compressWithin,
  type Given,
  type Limits,
  type Loss,
  type MaxDrop,
  type Trial,
  type WithinOptions,
  type WithinResult,
} from "./compress-within.js";
export { configureRuntime } from "./configure.js";
export type { Dataset, Sample, Split } from "./data/dataset.js";
export type { DatasetSpec } from "./data/index.js";
export {
  type ExplainOptions,
  type Explanation,
  explain,
  type LayerExplanation,
  type PartExplanation,
} from "./explain.js";
export {
  exportForTransformersJs,
  type TransformersJsExport,
  type TransformersJsFile,
  type TransformersJsOptions,
} from "./export-for-transformers-js.js";
export {
  type CheckpointStore,
  type Evaluation,
  type FinetuneOptions,
  type FinetuneResult,
  type FinetuneSettings,
  finetune,
  type TrainLogEntry,
} from "./finetune.js";
export { fixDims } from "./fix-dims.js";
export { GATE, type GateLimits, type Verdict } from "./gate.js";
export type { Estimate } from "./hardware/estimate.js";
export { type Device, hardware } from "./hardware/index.js";
export { HUB_DTYPES, type HubDtype } from "./hub/dtypes.js";
export { type Inspection, type InspectOptions, inspect } from "./inspect.js";
export type * from "./ir/model.js";
export { print } from "./ir/print.js";
export { load } from "./load.js";
export { type MeasureOptions, type ModelReport, measure, type Report } from "./measure.js";
export { methods } from "./methods.js";
export { type Attempt, type PareOptions, type PareResult, pare } from "./pare.js";
export {
  type GroupRow,
  type Plan,
  type PruneOptions,
  type PruneResult,
  type PruneRow,
  type PruneSettings,
  parseTokens,
  prune,
} from "./prune.js";
export { parseRecipe, type Recipe, type RecipeStep, steps } from "./recipe.js";
export {
  printCheck,
  printCurve,
  printDevices,
  printInspection,
  printStudy,
  reports,
  withoutSamples as studyWithoutSamples,
} from "./report/index.js";
export { run } from "./run.js";
export { save, saveBytes } from "./save.js";
export { saveVerified } from "./save-verified.js";
export { describeLoss } from "./search/loss.js";
export type { ServiceOptions } from "./services.js";
export type { CalibrationStore, Step, StepContext, StepResult } from "./step/step.js";
export {
  type RunEvent,
  type StudyOptions,
  type StudyReport,
  type StudySettings,
  type StudyStore,
  study,
  writeStudy,
} from "./study.js";
export { targets } from "./targets/index.js";
export type { DType } from "./tensor/dtype.js";
export type { Tensor } from "./tensor/tensor.js";
export type { Feeds, Value } from "./tensor/value.js";
export { type Verification, verify } from "./verify.js";
export { version } from "./version.js";
export { reportForm, writeReport } from "./write-report.js";
