// Recipes with their last quantize step adjusted: layers kept float, given 8 bits, or each its own width.

import { formats } from "../quantize/formats/index.js";
import type { Mix } from "./mix.js";

/** A step as the user wrote it; the one that is adjusted is the last whose method is "quantize". */
export type StatedStep = { readonly method: string; readonly keep?: string[]; readonly layers?: object[] } & Record<
  string,
  unknown
>;
export type Steps = readonly StatedStep[];

/** Layers that were given more precision: together, as a value is rounded while one of them is. */
export interface Given {
  /** Labels of nodes, or names of weights. */
  readonly layers: readonly string[];
  /** "float", or a number format. */
  readonly to: string;
  /** Bytes that its weights take in float. */
  readonly bytes: number;
}

export const quantizeAt = (steps: Steps): number => steps.findLastIndex(({ method }) => method === "quantize");

/** The 8-bit format of the same family, where the step asks for fewer bits. */
export function eightBits(steps: Steps): string | undefined {
  const weights = String(steps.findLast(({ method }) => method === "quantize")?.weights ?? "int8");
  if (!formats.names.includes(weights) || formats.get(weights).bits >= 8) return undefined;
  return weights.startsWith("u") ? "uint8" : "int8";
}

export function adjusted(steps: Steps, given: readonly Given[], to: string): Steps {
  if (given.length === 0) return steps;
  const at = quantizeAt(steps);
  const step = steps[at]!;
  const match = given.flatMap(({ layers }) => layers);
  const own: StatedStep =
    to === "float"
      ? { ...step, keep: [...(step.keep ?? []), ...match] }
      : { ...step, layers: [...(step.layers ?? []), { match, weights: to, ...formOf(step) }] };
  return steps.toSpliced(at, 1, own);
}

/** Entries with a format of their own do not take the step's form over. */
const formOf = ({ form }: StatedStep) => (form === undefined || form === "native" ? {} : { form });

export function withMix(steps: Steps, at: number, mix: Mix, family: string): Steps {
  const step = steps[at]!;
  const byWidth = new Map<number, string[]>();
  for (const [{ keep }, width] of mix) byWidth.set(width, [...(byWidth.get(width) ?? []), ...keep]);
  const entries = [...byWidth]
    .sort(([a], [b]) => b - a)
    .map(([width, match]) => ({ match, weights: `${family}${width}`, ...formOf(step) }));
  return steps.toSpliced(at, 1, { ...step, layers: [...(step.layers ?? []), ...entries] });
}

export function describeMix(mix: Mix, family: string): string {
  const counts = new Map<number, number>();
  for (const width of mix.values()) counts.set(width, (counts.get(width) ?? 0) + 1);
  const parts = [...counts].sort(([a], [b]) => b - a).map(([width, layers]) => `${layers} in ${family}${width}`);
  return `layers: ${parts.join(", ")}`;
}
