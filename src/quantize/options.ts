// The options of the quantize step: one closed object, whatever scheme serves them.

import { z } from "zod";
import { invalid } from "../base/errors.js";
import type { NumberFormat } from "./formats/format.js";
import { formats } from "./formats/index.js";

const names = formats.names as [string, ...string[]];

export const quantizeOptions = z.object({
  weights: z.enum(names).default("int8").describe("Number format of the weights"),
  activations: z
    .enum(["float", "dynamic"])
    .default("float")
    .describe("float: only weights are quantized; dynamic: activations become uint8 at each run, products are integer"),
  compute: z
    .enum(["compute", "stored"])
    .default("compute")
    .describe("float16 only. compute: the whole graph runs in float16; stored: weights in float16 behind a Cast"),
  form: z
    .enum(["auto", "native", "extract"])
    .default("auto")
    .describe(
      "native: operators over packed weights; extract: plain operators that decode the weight once, when the model loads; auto: native where the target is fast at it",
    ),
  granularity: z
    .enum(["auto", "tensor", "channel", "block"])
    .default("auto")
    .describe("What shares one scale; auto: blocks for 4 bits, channels for 8"),
  block: z
    .number()
    .int()
    .refine((size) => [16, 32, 64, 128, 256].includes(size), "a block has 16, 32, 64, 128 or 256 weights")
    .default(32)
    .describe("Weights that share one scale in a block: 16, 32, 64, 128 or 256"),
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
      "Of MatMulNBits: 1 float32, 2 float16, 4 rounds activations to int8; default: what is fast on the target",
    ),
  reduceRange: z
    .boolean()
    .optional()
    .describe("Dynamic int8 weights within 7 bits, for x64 without VNNI; default: as the target needs"),
  io: z
    .enum(["float32", "float16"])
    .default("float32")
    .describe("float16 compute: type of the model's inputs and outputs"),
  guard: z
    .enum(["auto", "run", "off"])
    .default("auto")
    .describe(
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

/** The options with what depends on each other settled. */
export interface Settings extends QuantizeOptions {
  readonly format: NumberFormat;
  readonly symmetric: boolean;
}

/** Checks what no single option can: throws `invalid("quantize-options")`. */
export function settle(options: QuantizeOptions): Settings {
  const format = formats.get(options.weights);
  const wrong = (message: string, hint: string) => invalid("quantize-options", message, { hint });
  if (options.activations === "dynamic" && format.bits !== 8) {
    throw wrong(
      `Dynamic activations need 8-bit weights, not ${format.name}.`,
      "Use weights int8, or activations float for weight-only quantization.",
    );
  }
  if (options.io === "float16" && !(format.kind === "float" && options.compute === "compute")) {
    throw wrong("io float16 is for float16 compute only.", "Use weights float16 with compute.");
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
