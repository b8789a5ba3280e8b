// How far a product is off once its factors are quantized, measured on the engine. Activations, weights and what they are
// scaled by are inputs: one session serves every layer and every try.

import type { RuntimeSession } from "../../../engine/runtime.js";
import { type EngineServices, openSession } from "../../../engine/session.js";
import { graphBuilder } from "../../../ir/build.js";
import { ONE_THREAD } from "../../../statistics/data.js";
import type { Value } from "../../../tensor/value.js";

/** Codes of activations: the range that they cover is that of the channels, each divided by its factor. */
export interface ActivationCodes {
  readonly bits: number;
  /** The range may leave out a few numbers where that makes the others more exact; else it holds all of them. */
  readonly clips: boolean;
}

export interface Matrix {
  readonly values: Float32Array;
  /** [channels, outputs] or [outputs, channels]. */
  readonly along: "rows" | "columns";
}

/** One for a repair, released by its maker. */
export class Trial {
  readonly #sessions = new Map<string, Promise<RuntimeSession>>();

  constructor(private readonly services: EngineServices) {}

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
  }

  /** x [rows, channels] times a matrix: [rows, outputs]. */
  async product(x: Float32Array, channels: number, matrix: Matrix): Promise<Float32Array> {
    const session = await this.#session("product", matrix.along);
    const { y } = await session.run({ x: matrixOf(x, channels), w: weightOf(matrix, channels) });
    return y!.data as Float32Array;
  }

  /**
   * Sum of squared differences between `wanted` [rows, outputs] and (x times `inverse`, as codes where there are any) times
   * the matrix.
   */
  async error(
    x: Float32Array,
    matrix: Matrix,
    wanted: Float32Array,
    inverse: Float32Array,
    codes: Codes | undefined,
  ): Promise<number> {
    const channels = inverse.length;
    const session = await this.#session(codes ? "codes" : "float", matrix.along);
    const { error } = await session.run({
      x: matrixOf(x, channels),
      w: weightOf(matrix, channels),
      wanted: matrixOf(wanted, (wanted.length * channels) / x.length),
      inverse: { dtype: "float32", dims: [channels], data: inverse },
      ...(codes && { scale: scalar(codes.scale), low: scalar(codes.low), high: scalar(codes.high) }),
    });
    // The engine sums each row, in an order that does not depend on its threads.
    return (error!.data as Float32Array).reduce((all, one) => all + one, 0);
  }

  #session(kind: "product" | "codes" | "float", along: Matrix["along"]): Promise<RuntimeSession> {
    const key = `${kind} ${along}`;
    let made = this.#sessions.get(key);
    if (made === undefined) {
      made = openSession(modelOf(kind, along), this.services, { ...ONE_THREAD, optimize: "basic" });
      this.#sessions.set(key, made);
    }
    return made;
  }
}

/** The scale of codes, and the lowest and highest multiple of it that they stand for. */
export interface Codes {
  readonly scale: number;
  readonly low: number;
  readonly high: number;
}

/** Shares of the whole range that are tried, and how many numbers each is tried on. */
const SHARES = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
const TRIED = 2 ** 14;

/** Codes of the range `min` to `max`, widened to hold 0, or where they clip of the part of it that is least off. */
export function codesFor(
  { bits, clips }: ActivationCodes,
  [min, max]: readonly [number, number],
  rows: Float32Array,
  inverse: Float32Array,
): Codes {
  const whole = grid(bits, min, max);
  if (!clips) return whole;
  // A step that has no factor in common with the channels, so that each of them is looked at.
  let step = Math.max(1, Math.floor(rows.length / TRIED));
  while (step > 1 && inverse.length % step === 0) step++;
  let [best, least] = [whole, Number.POSITIVE_INFINITY];
  for (const share of SHARES) {
    const { scale, low, high } = grid(bits, min * share, max * share);
    let error = 0;
    for (let at = 0; at < rows.length; at += step) {
      const value = rows[at]! * inverse[at % inverse.length]!;
      error += (value - scale * Math.max(low, Math.min(high, Math.round(value / scale)))) ** 2;
    }
    if (error < least) [best, least] = [{ scale, low, high }, error];
  }
  return best;
}

function grid(bits: number, min: number, max: number): Codes {
  const levels = 2 ** bits - 1;
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const scale = (high - low) / levels || 1;
  const zero = Math.round(-low / scale);
  return { scale, low: -zero, high: levels - zero };
}

function modelOf(kind: "product" | "codes" | "float", along: Matrix["along"]) {
  const b = graphBuilder(kind);
  let x = b.input("x", "float32", ["rows", "channels"]);
  const w = b.input("w", "float32", along === "rows" ? ["channels", "outputs"] : ["outputs", "channels"]);
  const times = (left: string, name: string) =>
    b.node("Gemm", [left, w], { outputs: [name], attributes: { transB: along === "rows" ? 0 : 1 } });
  if (kind === "product") {
    b.output(times(x, "y"), "float32", ["rows", "outputs"]);
    return b.model({ opset: 17 });
  }
  const wanted = b.input("wanted", "float32", ["rows", "outputs"]);
  x = b.node("Mul", [x, b.input("inverse", "float32", ["channels"])]);
  if (kind === "codes") {
    const scale = b.input("scale", "float32", []);
    const rounded = b.node("Round", [b.node("Div", [x, scale])]);
    const clipped = b.node("Clip", [rounded, b.input("low", "float32", []), b.input("high", "float32", [])]);
    x = b.node("Mul", [clipped, scale]);
  }
  const difference = b.node("Sub", [times(x, "y"), wanted]);
  const attributes = { axes: [1], keepdims: 0 };
  b.output(b.node("ReduceSumSquare", [difference], { outputs: ["error"], attributes }), "float32", ["rows"]);
  return b.model({ opset: 17 });
}

const scalar = (value: number): Value => ({ dtype: "float32", dims: [], data: Float32Array.of(value) });

const matrixOf = (data: Float32Array, columns: number): Value => ({
  dtype: "float32",
  dims: [data.length / columns, columns],
  data,
});

const weightOf = ({ values, along }: Matrix, channels: number): Value => {
  const outputs = values.length / channels;
  return { dtype: "float32", dims: along === "rows" ? [channels, outputs] : [outputs, channels], data: values };
};
