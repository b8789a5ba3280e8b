// What of a weight's settings asks for fitting: codes that are found before the result is written.

import { ranges } from "../ranges/index.js";
import { roundings } from "../rounding/index.js";

export interface FitOptions {
  /** Absent: the scales are found as the kernels find them. */
  readonly range?: "hqq" | "importance" | undefined;
  /** Absent: to nearest. */
  readonly rounding?: "gptq" | undefined;
  readonly actOrder: boolean;
  /** 0 .. 1, share of the mean of the Hessian's diagonal. */
  readonly damping: number;
  /** Each weight sees its inputs as the weights before it, already in few bits, make them. */
  readonly sequential: boolean;
  /** What importance is: the mean squares of inputs, or the weights' own magnitude. */
  readonly importance: "inputs" | "weights";
}

type Asked = Omit<FitOptions, "range" | "rounding"> & { readonly range: string; readonly rounding: string };

/** Undefined: nothing is fitted, the kernels do it all when the result is pulled. */
export function fitOf({ range, rounding, ...rest }: Asked): FitOptions | undefined {
  const fitted = { range: ranges.get(range).fitted, rounding: roundings.get(rounding).fitted };
  if (fitted.range === undefined && fitted.rounding === undefined) return undefined;
  const { actOrder, damping, sequential, importance } = rest;
  return { ...fitted, actOrder, damping, sequential, importance };
}

/** Whether samples are needed: to correlate inputs, or to weigh them. */
export const needsData = ({ range, rounding, importance }: FitOptions): boolean =>
  rounding === "gptq" || (range === "importance" && importance === "inputs");
