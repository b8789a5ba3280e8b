// The options of the quantize step: one closed object, whatever scheme serves them. `options.ts` says what they come to.

import { z } from "zod";
import { calibrationRanges } from "./calibration/ranges/index.js";
import { ACTIVATION_TYPES, defaults } from "./defaults.js";
import { formats, UNQUANTIZED } from "./formats/index.js";
import { ranges } from "./ranges/index.js";
import { roundings } from "./rounding/index.js";

const namesOf = ({ names }: { readonly names: readonly string[] }) => names as [string, ...string[]];

/** An option of some schemes only: its default stands in help and documents, and is filled in by `settle`. */
const some = <T extends z.ZodType>(name: keyof typeof defaults, type: T, description: string) =>
  type.optional().meta({ description, default: defaults[name] });

/** How a weight is quantized: what a layer may have otherwise than the others. */
const ofWeights = {
  form: some(
    "form",
    z.enum(["auto", "native", "extract", "dequantize", "qdq", "qoperator"]),
    "native: operators over packed weights; extract: plain operators that decode the weight once, when the model loads; dequantize: DequantizeLinear; with static activations, qdq: QuantizeLinear and DequantizeLinear pairs, which the runtime fuses with the operators between them, qoperator: the integer operators themselves; auto: native where the target is fast at it, else extract; with static activations qdq",
  ),
  granularity: some(
    "granularity",
    z.enum(["auto", "tensor", "channel", "block"]),
    "What shares one scale (or codebook); auto: blocks for formats below 8 bits and native forms, channels else",
  ),
  block: z
    .number()
    .int()
    .refine((size) => [16, 32, 64, 128, 256].includes(size), "a block has 16, 32, 64, 128 or 256 weights")
    .optional()
    .describe(
      "Weights that share one scale in a block: 16, 32, 64, 128 or 256; default: 32, for ternary and binary 128",
    ),
  symmetric: z
    .boolean()
    .optional()
    .describe("Integers: zero stands in the middle of the codes; default: true for signed formats, false for unsigned"),
  range: z
    .enum(namesOf(ranges))
    .optional()
    .describe(
      "What range a scale covers. absmax: all; mse: that of the least squared error; percentile: all but the outermost; hqq: that of the least |error|^0.7; importance: of the least squared error where inputs are large, by the data; default: absmax, for 2 and 3-bit integers mse, with rounding gptq importance",
    ),
  percentile: some(
    "percentile",
    z.number().min(50).max(100),
    "range percentile: percent of the weights that lie within the range",
  ),
  rangeSteps: some(
    "rangeSteps",
    z.number().int().min(2).max(1000),
    "range mse: in how many steps ranges are searched; above 4 every third is tried, then those beside the best",
  ),
  rounding: some(
    "rounding",
    z.enum(namesOf(roundings)),
    "nearest: least error of each weight; stochastic: up or down at random, exact in the mean; gptq: least change of the outputs on the data",
  ),
  actOrder: some(
    "actOrder",
    z.boolean(),
    "rounding gptq: inputs in the order of decreasing squares; scales are then found before anything is rounded",
  ),
  damping: some(
    "damping",
    z.number().min(0).max(1),
    "rounding gptq: share of the mean of the Hessian's diagonal that is added to it",
  ),
  sequential: some(
    "sequential",
    z.boolean(),
    "rounding gptq and range importance: each weight is fitted to its inputs as the weights before it, already in few bits, make them; one pass over the samples for each input",
  ),
  importance: some(
    "importance",
    z.enum(["inputs", "weights"]),
    "range importance: what makes a weight matter. inputs: the mean square of what it is multiplied by; weights: its own magnitude, without data",
  ),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().describe("Of stochastic rounding; default: 0"),
  scales: some(
    "scales",
    z.enum(["auto", "float32", "float16"]),
    "Type of the scales (of a codebook: of its entries); float16: times a power of two for each weight, so that none is too large or too small; auto: float16 for blocks, else float32",
  ),
  entries: some("entries", z.number().int().min(2).max(256), "codebook: how many numbers it has"),
  group: some("group", z.number().int().min(1), "codebook with granularity channel: channels that share one"),
  pack: some(
    "pack",
    z.enum(["dense", "brotli"]),
    "float16, decoded at load. brotli: bytes of one kind beside each other, 8 to 10 % smaller once compressed, slower to load; dense: as they are. bfloat16 and codes of fewer bits are always packed so",
  ),
  sparse: some(
    "sparse",
    z.enum(["off", "auto", "bitmask", "gaps", "initializer"]),
    "Weights with many zeros: only the others are stored, with where they stand. bitmask: one bit a weight; gaps: a byte or two for each that is not zero; initializer: ONNX's sparse_initializer, 8 bytes each, loads fastest; auto: the smallest; weights that it does not make smaller are stored as without it",
  ),
  accuracyLevel: z
    .number()
    .int()
    .min(0)
    .max(4)
    .optional()
    .describe(
      "Arithmetic of MatMulNBits: 0 unset, the runtime chooses (float32 on CPUs); 1 float32; 2 float16; 3 bfloat16; 4 rounds activations to int8; default: what is fast on the target",
    ),
};

const pattern =
  'names of nodes or weights, operators ("Conv"), globs, regular expressions ("/attn.*proj/i"), or "first", "last", "embeddings"';

/** Weights that match have these options instead; those of a `weights` stated here do not come from the step. */
export const layerOptions = z.strictObject({
  match: z.array(z.string()).min(1).describe(`The layers: ${pattern}`),
  keep: z.literal(true).optional().describe("They stay as they are"),
  weights: z
    .enum([...namesOf(formats), UNQUANTIZED.name])
    .optional()
    .describe("Number format of the weights"),
  ...ofWeights,
});

export const quantizeOptions = z.object({
  weights: z
    .enum([...namesOf(formats), UNQUANTIZED.name])
    .default("int8")
    .describe("Number format of the weights; float32 (as they are) with sparse only"),
  activations: z
    .enum(["float", "dynamic", ...ACTIVATION_TYPES])
    .default("float")
    .describe(
      "float: only weights are quantized; dynamic: activations become uint8 at each run, products are integer; uint8, int8, uint16, int16: static, ranges are calibrated on data and stored, integers flow from operator to operator (16 bits: more exact, but no runtime on a CPU has integer kernels for them)",
    ),
  compute: some(
    "compute",
    z.enum(["compute", "stored"]),
    "float16 only. compute: the whole graph runs in float16; stored: weights in float16 behind a Cast",
  ),
  ...ofWeights,
  reduceRange: z
    .boolean()
    .optional()
    .describe(
      "int8 weights of integer products that cannot saturate on x64 without VNNI: dynamic within 7 bits, static so that no two neighbours together pass 128; default: as the target needs",
    ),
  io: some("io", z.enum(["float32", "float16"]), "float16 compute: type of the model's inputs and outputs"),
  float16Io: z
    .array(z.string())
    .optional()
    .describe("float16 compute: inputs and outputs that become float16 whatever io says: names, or globs of names"),
  guard: some(
    "guard",
    z.enum(["auto", "run", "off"]),
    "float16 compute: run the model to find values beyond float16 and keep them in float32; auto: when weights are below 512 MB",
  ),
  activationRange: some(
    "activationRange",
    z.enum(namesOf(calibrationRanges)),
    "How the range of an activation follows from what it was on the data: see pare methods calibration-ranges",
  ),
  activationPercentile: some(
    "activationPercentile",
    z.number().min(50).max(100),
    "activationRange percentile: percent of the numbers that lie within the range",
  ),
  sigmas: some(
    "sigmas",
    z.number().gt(0).max(100),
    "activationRange mean-sigma: standard deviations on either side of the mean",
  ),
  momentum: some(
    "momentum",
    z.number().gt(0).max(1),
    "activationRange moving-average: how far each sample moves the average, 0 to 1",
  ),
  calibrationSamples: some(
    "calibrationSamples",
    z.number().int().min(1),
    "Samples of the data that are run to find ranges and other statistics of activations, from its first on",
  ),
  repair: z
    // Not the names of the list: its methods look at layers by the options of this file. `chosenRepairs` checks them.
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      "What wins back accuracy, before or after: names of repairs, see pare methods; none: nothing. Default: what the scheme is known to gain by",
    ),
  biasCorrection: some(
    "biasCorrection",
    z.enum(["empirical", "analytic"]),
    "repair bias-correction. empirical: the mean error of each channel is measured, layer after layer; analytic: it follows from the error of the weights and the mean of what they are multiplied by",
  ),
  outlierShare: some(
    "outlierShare",
    z.number().gt(0).max(0.5),
    "repair outliers: at most this share of a layer's input channels stays float",
  ),
  alpha: some(
    "alpha",
    z.union([z.literal("search"), z.number().min(0).max(1)]),
    "repairs smooth and awq: how far sizes of activations move into the weights, 0 to 1; search: what leaves each layer least off on the data",
  ),
  keep: z.array(z.string()).default([]).describe(`Layers to leave as they are: ${pattern}`),
  only: z.array(z.string()).default([]).describe(`Layers to quantize, all others stay: ${pattern}`),
  minimum: some("minimum", z.number().int().min(0), "Weights with fewer elements stay float"),
  layers: z
    .array(layerOptions)
    .optional()
    .describe("Layers with options of their own, the first match counts: [{ match: [names], weights: ..., ... }]"),
});

export type QuantizeOptions = z.output<typeof quantizeOptions>;
export type LayerOptions = z.output<typeof layerOptions>;
export type OptionName = keyof QuantizeOptions;
