// The options of the quantize step: one closed object, whatever scheme serves them.

import { z } from "zod";
import { invalid } from "../base/errors.js";
import type { NumberFormat } from "./formats/format.js";
import { formats } from "./formats/index.js";

const names = formats.names as [string, ...string[]];

/** What holds where nothing is stated. Not filled in by the schema: what was stated must be told from what was not. */
const defaults = {
  compute: "compute",
  form: "auto",
  granularity: "auto",
  block: 32,
  io: "float32",
  guard: "auto",
} as const;

/** An option of some schemes only: its default stands in help and documents, and is filled in by `settle`. */
const some = <T extends z.ZodType>(name: keyof typeof defaults, type: T, description: string) =>
  type.optional().meta({ description, default: defaults[name] });

export const quantizeOptions = z.object({
  weights: z.enum(names).default("int8").describe("Number format of the weights"),
  activations: z
    .enum(["float", "dynamic"])
    .default("float")
    .describe("float: only weights are quantized; dynamic: activations become uint8 at each run, products are integer"),
  compute: some(
    "compute",
    z.enum(["compute", "stored"]),
    "float16 only. compute: the whole graph runs in float16; stored: weights in float16 behind a Cast",
  ),
  form: some(
    "form",
    z.enum(["auto", "native", "extract"]),
    "native: operators over packed weights; extract: plain operators that decode the weight once, when the model loads; auto: native where the target is fast at it",
  ),
  granularity: some(
    "granularity",
    z.enum(["auto", "tensor", "channel", "block"]),
    "What shares one scale; auto: blocks for 4 bits and native forms, channels else",
  ),
  block: some(
    "block",
    z
      .number()
      .int()
      .refine((size) => [16, 32, 64, 128, 256].includes(size), "a block has 16, 32, 64, 128 or 256 weights"),
    "Weights that share one scale in a block: 16, 32, 64, 128 or 256",
  ),
  symmetric: z
    .boolean()
    .optional()
    .describe("Zero stands in the middle of the codes; default: true for signed formats, false for unsigned"),
  accuracyLevel: z
    .number()
    .int()
    .min(0)
    .max(4)
    .optional()
    .describe(
      "Arithmetic of MatMulNBits: 0 unset, the runtime chooses (float32 on CPUs); 1 float32; 2 float16; 3 bfloat16; 4 rounds activations to int8; default: what is fast on the target",
    ),
  reduceRange: z
    .boolean()
    .optional()
    .describe("Dynamic int8 weights within 7 bits, for x64 without VNNI; default: as the target needs"),
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
  keep: z
    .array(z.string())
    .default([])
    .describe("Nodes to leave as they are: names, weight names, operators, or globs of these"),
  only: z.array(z.string()).default([]).describe("Nodes to quantize, all others stay: names, operators, or globs"),
  minimum: z.number().int().min(0).default(256).describe("Weights with fewer elements stay float"),
});

export type QuantizeOptions = z.output<typeof quantizeOptions>;

export type OptionName = keyof QuantizeOptions;

type Defaulted = { readonly [Name in keyof typeof defaults]: NonNullable<QuantizeOptions[Name]> };

/** The options with defaults filled in and what depends on each other settled. */
export interface Settings extends Omit<QuantizeOptions, keyof typeof defaults>, Defaulted {
  readonly format: NumberFormat;
  readonly symmetric: boolean;
}

/** Checks what no single option can: throws `invalid("quantize-options")`. */
export function settle(stated: QuantizeOptions): Settings {
  const options = filled(stated);
  const format = formats.get(options.weights);
  const wrong = (message: string, hint: string) => invalid("quantize-options", message, { hint });
  if (options.activations === "dynamic" && format.bits !== 8) {
    throw wrong(
      `Dynamic activations need 8-bit weights, not ${format.name}.`,
      "Use weights int8, or activations float for weight-only quantization.",
    );
  }
  if (format.bits === 4 && (options.granularity === "channel" || options.granularity === "tensor")) {
    throw wrong("4-bit weights are quantized in blocks only.", "Leave granularity out, or use int8.");
  }
  if (options.activations === "dynamic" && options.granularity === "block") {
    throw wrong("Integer products have one scale a channel or tensor, none for blocks.", "Leave granularity out.");
  }
  if (options.form === "native" && options.granularity !== "auto" && options.granularity !== "block") {
    throw wrong(
      "MatMulNBits and GatherBlockQuantized hold blocks only.",
      "Leave granularity out, or use form extract.",
    );
  }
  return { ...options, format, symmetric: options.symmetric ?? format.low < 0 };
}

/** Defaults where nothing is stated. */
function filled(stated: QuantizeOptions): QuantizeOptions & Defaulted {
  const given = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
  return { ...defaults, ...(given as QuantizeOptions) } as QuantizeOptions & Defaulted;
}
