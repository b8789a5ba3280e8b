// What the options of the quantize step are where they are not stated. Apart from the schema, which lists every method, so
// that methods may read what options come to.

/** Types of activations in static quantization. */
export const ACTIVATION_TYPES = ["uint8", "int8", "uint16", "int16"] as const;
export type ActivationType = (typeof ACTIVATION_TYPES)[number];

/**
 * What holds where nothing is stated. Not filled in by the schema: what was stated must be told from what was not. Those of
 * `block`, `range` and `symmetric` are the format's.
 */
export const defaults = {
  compute: "compute",
  form: "auto",
  granularity: "auto",
  percentile: 99.9,
  minimum: 256,
  rangeSteps: 8,
  rounding: "nearest",
  actOrder: false,
  damping: 0.01,
  sequential: false,
  importance: "inputs",
  scales: "auto",
  entries: 16,
  group: 16,
  pack: "dense",
  sparse: "off",
  io: "float32",
  guard: "auto",
  biasCorrection: "analytic",
  outlierShare: 0.01,
  activationRange: "mse",
  activationPercentile: 99.99,
  sigmas: 6,
  momentum: 0.01,
  calibrationSamples: 128,
  alpha: "search",
} as const;
