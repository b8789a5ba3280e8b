// The scales and zero points of a simulation: constants where they are fixed, weights of the method's own where they are
// learned; kept within what an exported model may hold, in the graph and behind it by the same arithmetic.

import { roundHalfEven } from "../../kernels/numbers.js";
import type { Value } from "../../tensor/value.js";
import type { ExtraWeight } from "../../train/attached.js";
import type { Emitter } from "../../train/emitter.js";
import type { WriteSite } from "../../train/rewrite.js";

/** One number, or a vector of them, that is fixed or learned. */
export interface Parameter {
  readonly name: string;
  readonly initial: Float32Array;
  /** [] or [n]. */
  readonly dims: readonly number[];
  readonly low: number;
  readonly high: number;
  /** In the graph it is a code: rounded to the nearest whole number. */
  readonly whole?: true;
  /** Absent: it is fixed. */
  readonly learned?: Pick<ExtraWeight, "rate" | "decay"> | undefined;
}

/** What the forward pass reads, a value of the graph. */
export function parameterIn({ emit, weight }: WriteSite, parameter: Parameter): string {
  const { name, initial, dims, low, high, whole, learned } = parameter;
  const known = made.get(emit)?.get(name);
  if (known !== undefined) return known;
  const written = () => {
    const state = learned && weight(name);
    if (state === undefined)
      return emit.floats(
        dims,
        initial.map((value) => bounded(parameter, value)),
      );
    const near = whole ? emit.op("Round", [state]) : state;
    return emit.op("Clip", [near, emit.number(low), emit.number(high)], { dims });
  };
  const value = written();
  const all = made.get(emit) ?? new Map<string, string>();
  made.set(emit, all.set(name, value));
  return value;
}

/** Each is written once in a graph. */
const made = new WeakMap<Emitter, Map<string, string>>();

export const extraWeights = (parameters: Iterable<Parameter>): ExtraWeight[] =>
  [...parameters].flatMap(({ name, dims, initial, learned }) => (learned ? [{ name, dims, initial, ...learned }] : []));

/** What the graph has read after a training that found `extra`. */
export function parameterAfter(parameter: Parameter, extra: ReadonlyMap<string, Value>): Float32Array {
  const { name, initial, learned } = parameter;
  const found = learned ? (extra.get(name)?.data as Float32Array | undefined) : undefined;
  return Float32Array.from(found ?? initial, (value) => bounded(parameter, value));
}

const bounded = ({ low, high, whole }: Parameter, value: number): number =>
  Math.fround(Math.min(Math.max(whole ? roundHalfEven(value) : value, Math.fround(low)), Math.fround(high)));

/** The power of two next to the mean magnitude: few different rates make few groups for the optimizer. */
export function sizeOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum > 0 ? 2 ** Math.round(Math.log2(sum / values.length)) : 1;
}
