// What is compared: pare by each way of finding activation ranges, and every setting of ONNX Runtime's quantizer.

import { readFileSync } from "node:fs";
import type { Recipe, RecipeStep } from "../../src/index.js";

type Quantize = Omit<Extract<RecipeStep, { method: "quantize" }>, "method">;

export interface Ours {
  readonly by: "pare";
  readonly label: string;
  readonly recipe: Recipe;
  readonly target: string;
}

export interface PeerSettings {
  readonly method: "MinMax" | "Entropy" | "Percentile";
  readonly activations: "QInt8" | "QUInt8";
  readonly weights: "QInt8" | "QUInt8";
  readonly perChannel: boolean;
  readonly reduceRange: boolean;
}

export interface Peer {
  readonly by: "onnxruntime";
  readonly label: string;
  readonly settings: PeerSettings;
}

const ours = (label: string, options: Quantize = {}, target = "any"): Ours => ({
  by: "pare",
  label,
  recipe: [{ method: "clean" }, { method: "quantize", weights: "int8", activations: "uint8", ...options }],
  target,
});

/** Options of the step that are not known when this is compiled: those that only some sessions of the bench explore. */
const explored = (label: string, options: Readonly<Record<string, unknown>>, target?: string): Ours =>
  ours(label, options as Quantize, target);

export const DEFAULTS = "defaults";

export const pares: readonly Ours[] = [
  ours(DEFAULTS),
  ...["min-max", "moving-average", "percentile", "entropy", "mse", "median", "mean-sigma"].map((activationRange) =>
    explored(activationRange, { activationRange }),
  ),
  ...["bias-correction", "equalize", "smooth"].map((repair) => explored(`repair ${repair}`, { repair: [repair] })),
];

/** The signature's own types, and those that its documentation recommends for CPUs; each with every setting. */
export const peers: readonly Peer[] = (["QInt8", "QUInt8"] as const).flatMap((activations) =>
  (["MinMax", "Entropy", "Percentile"] as const).flatMap((method) =>
    [false, true].flatMap((perChannel) =>
      [false, true].map(
        (reduceRange): Peer => ({
          by: "onnxruntime",
          label: `${activations === "QInt8" ? "S8S8" : "U8S8"} ${method}${perChannel ? ", per channel" : ""}${reduceRange ? ", reduced range" : ""}`,
          settings: { method, activations, weights: "QInt8", perChannel, reduceRange },
        }),
      ),
    ),
  ),
);

/** More of ours, from a file: `[{ "label": "...", "options": { ... }, "target": "node" }]`. They stay out of the tables. */
export function explorations(file: string): Ours[] {
  const listed = JSON.parse(readFileSync(file, "utf8")) as {
    readonly label: string;
    readonly options: Readonly<Record<string, unknown>>;
    readonly target?: string;
  }[];
  return listed.map(({ label, options, target }) => explored(`explored ${label}`, options, target));
}
