// What stated options come to: defaults filled in, and what no single option can check by itself.

import { invalid } from "../base/errors.js";
import { ACTIVATION_TYPES, type ActivationType, defaults } from "./defaults.js";
import type { NumberFormat } from "./formats/format.js";
import { formats, isPlain, UNQUANTIZED } from "./formats/index.js";
import type { LayerOptions, QuantizeOptions } from "./schema.js";

export type { ActivationType } from "./defaults.js";
export type { LayerOptions, OptionName, QuantizeOptions } from "./schema.js";

type Defaulted = { readonly [Name in keyof typeof defaults]: NonNullable<QuantizeOptions[Name]> };

/** The options with defaults filled in and what depends on each other settled. */
export interface Settings extends Omit<QuantizeOptions, keyof typeof defaults>, Defaulted {
  readonly format: NumberFormat;
  readonly block: number;
  readonly symmetric: boolean;
  readonly range: string;
  readonly seed: number;
  /** As they were stated: what an override of some layers starts from. */
  readonly stated: QuantizeOptions;
}

const wrong = (message: string, hint: string) => invalid("quantize-options", message, { hint });

/** Checks what no single option can: throws `invalid("quantize-options")`. */
export function settle(stated: QuantizeOptions): Settings {
  const options = filled(stated);
  const format = options.weights === UNQUANTIZED.name ? UNQUANTIZED : formats.get(options.weights);
  if (options.sparse === "off" && format === UNQUANTIZED) {
    throw wrong("Weights float32 are as they are: nothing would change.", "Add sparse auto, or take another format.");
  }
  if (options.activations === "dynamic") checkDynamic(format, options);
  if (isStatic(options.activations)) checkStatic(format, options);
  else if (options.form === "qdq" || options.form === "qoperator") {
    throw wrong(
      `Form ${options.form} is one of static quantization: activations are ${options.activations}.`,
      "State activations uint8, or leave form out.",
    );
  }
  checkFixed(format, options);
  checkForm(options);
  checkFitted(format, options);
  if (options.sparse !== "off") checkSparse(format, options);
  if (format.bits === 16 && options.granularity === "block") {
    throw wrong("16-bit weights have one scale a channel or tensor.", "Leave granularity out.");
  }
  if (format.kind === "learned" && options.granularity === "block") {
    throw wrong("A codebook serves a tensor or channels, not blocks.", "Use granularity channel, or a smaller group.");
  }
  checkPercentile(format, options);
  return {
    ...options,
    format,
    block: options.block ?? format.block,
    symmetric: options.symmetric ?? format.scaling !== "affine",
    range: options.range ?? defaultRange(format, options),
    seed: options.seed ?? 0,
    stated,
  };
}

/**
 * The settings of layers that have some options of their own. Where these state another number format, what was stated for
 * the format of the step does not hold for it. Throws `invalid("quantize-options")`.
 */
export function overridden(settings: Settings, { match: _, keep: __, ...layer }: LayerOptions): Settings {
  const { stated } = settings;
  const given = Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined));
  if (layer.weights === undefined || layer.weights === stated.weights) return settle({ ...stated, ...given });
  const general = Object.entries(stated).filter(
    ([name]) => !OF_FORMAT.has(name) && (name !== "rounding" || canBeFitted(layer.weights!)),
  );
  return settle({ ...(Object.fromEntries(general) as QuantizeOptions), ...given });
}

/** Options whose value is meant for one number format. */
const OF_FORMAT = new Set<string>([
  "granularity",
  "block",
  "symmetric",
  "range",
  "percentile",
  "rangeSteps",
  "scales",
  "entries",
  "group",
  "accuracyLevel",
  "form",
] satisfies (keyof QuantizeOptions)[]);

function checkDynamic(format: NumberFormat, { granularity }: Defaulted): void {
  if (format.kind !== "integer" || format.bits !== 8) {
    throw wrong(
      `Dynamic activations need 8-bit weights (integers), not ${format.name}.`,
      "Use weights int8, or activations float for weight-only quantization.",
    );
  }
  if (granularity === "block") {
    throw wrong("Integer products have one scale a channel or tensor, none for blocks.", "Leave granularity out.");
  }
}

/** Types of activations whose ranges are calibrated. */
export const isStatic = (activations: string): activations is ActivationType =>
  (ACTIVATION_TYPES as readonly string[]).includes(activations);

function checkStatic(format: NumberFormat, options: QuantizeOptions & Defaulted) {
  const { form, granularity, activations, sparse, layers } = options;
  if (layers?.some(({ keep }) => !keep)) {
    throw wrong(
      "Static quantization makes all layers alike: an entry of layers can only keep its layers as they are.",
      "Use keep: true in each entry, or the option keep.",
    );
  }
  if (format.kind !== "integer" || format.bits !== 8) {
    throw wrong(
      `Static activations need 8-bit weights (integers), not ${format.name}.`,
      "Use weights int8, or activations float for weight-only quantization.",
    );
  }
  if (granularity === "block") {
    throw wrong("Integer products have one scale a channel or tensor, none for blocks.", "Leave granularity out.");
  }
  if (form !== "auto" && form !== "qdq" && form !== "qoperator") {
    throw wrong(`Form ${form} is one of weights alone, not of static activations.`, "Use form qdq or qoperator.");
  }
  if (form === "qoperator" && activations.endsWith("16")) {
    throw wrong("There are no integer operators for 16-bit activations.", "Use form qdq, or activations uint8.");
  }
  if (activations === "int8" && format.low >= 0) {
    throw wrong(
      "No runtime has integer operators for int8 activations with uint8 weights.",
      "Use weights int8, or activations uint8.",
    );
  }
  if (sparse !== "off") throw wrong("Integer products read no sparse weights.", "Leave sparse out.");
}

/** Formats that prescribe their blocks. */
function checkFixed(format: NumberFormat, { granularity, block }: QuantizeOptions & Defaulted): void {
  if (format.fixed === undefined) return;
  if (granularity === "tensor" || granularity === "channel" || (block !== undefined && block !== format.block)) {
    throw wrong(
      `${format.name} is made of blocks of ${format.block}, by definition.`,
      `Leave ${block === undefined ? "granularity" : "block"} out, or use ${format.codec} with scales of your choice.`,
    );
  }
}

/** The nearest rank of a few numbers is the largest of them, unless the percentile leaves one out. */
function checkPercentile(format: NumberFormat, { range, percentile, granularity, block }: QuantizeOptions & Defaulted) {
  const blocks = granularity === "block" || (granularity === "auto" && format.granularity === "block");
  const size = block ?? format.block;
  if (range !== "percentile" || !blocks || Math.ceil((percentile / 100) * size) < size) return;
  const most = Math.floor((1000 * (size - 1)) / size) / 10;
  throw wrong(
    `${percentile} percent of ${size} weights is all of them: this range leaves nothing out.`,
    `Use percentile ${most} or less, granularity channel, or range mse.`,
  );
}

/** With the data at hand, scales may as well weigh errors by it, unless the format prescribes how they are found. */
function defaultRange(format: NumberFormat, { rounding }: Defaulted): string {
  if (rounding === "gptq" && format.fixed === undefined && format.scaling !== "mean") return "importance";
  return format.kind === "integer" && format.bits <= 3 ? "mse" : "absmax";
}

/** Codes in fixed places on a scale. */
function canBeFitted(name: string): boolean {
  if (name === UNQUANTIZED.name) return false;
  const { kind, bits } = formats.get(name);
  return kind !== "learned" && bits <= 8;
}

/** What is found before the result is written: codes of numbers in fixed places, on a scale. */
function checkFitted(format: NumberFormat, { rounding, range, sparse }: QuantizeOptions & Defaulted): void {
  const method =
    rounding === "gptq" ? "rounding gptq" : range === "hqq" || range === "importance" ? `range ${range}` : undefined;
  if (method === undefined) return;
  if (sparse !== "off") {
    throw wrong(`Codes of sparse weights are not found by ${method}.`, "Leave sparse out, or use range mse.");
  }
  if (!canBeFitted(format.name)) {
    throw wrong(`${method} finds codes on a scale of up to 8 bits, not of ${format.name}.`, `Leave ${method} out.`);
  }
}

function checkForm({ form, granularity }: Defaulted): void {
  if (form === "native" && (granularity === "tensor" || granularity === "channel")) {
    throw wrong(
      "MatMulNBits and GatherBlockQuantized hold blocks only.",
      "Leave granularity out, or use form extract.",
    );
  }
}

/** What is stored sparse is decoded at load, with scales that follow the non-zeros. */
function checkSparse(format: NumberFormat, { sparse, form, granularity }: Defaulted): void {
  if (form === "native" || form === "dequantize") {
    throw wrong(`Sparse weights are decoded at load: form ${form} reads none.`, "Leave form out, or sparse off.");
  }
  if (granularity === "channel") {
    throw wrong(
      "The scales of sparse weights are those of blocks of non-zeros, or one for the tensor, none for channels.",
      "Leave granularity out, or use granularity tensor.",
    );
  }
  if (sparse === "initializer" && !isPlain(format)) {
    throw wrong(
      `sparse_initializer holds numbers as they are, not ${format.name} codes.`,
      "Use weights float32, or sparse auto.",
    );
  }
}

/** Defaults where nothing is stated. */
function filled(stated: QuantizeOptions): QuantizeOptions & Defaulted {
  const given = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
  return { ...defaults, ...(given as QuantizeOptions) } as QuantizeOptions & Defaulted;
}
