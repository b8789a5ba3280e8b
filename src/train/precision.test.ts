import { describe, expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { floats, openStep, scalar } from "../../tests/support/step-session.js";
import { run } from "../engine/run.js";
import { graphBuilder } from "../ir/build.js";
import { DTYPES } from "../tensor/dtype.js";
import { fromFloat16Bits, toFloat16Bits } from "../tensor/float16.js";
import { random } from "../tensor/random.js";
import { float32 } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import { prepare } from "./prepare.js";
import { nextScale, SCALING, type ScaleState, startScale } from "./scaling.js";
import { buildStep, type StepOptions } from "./step.js";

const half = (value: number) => fromFloat16Bits(toFloat16Bits(value));
/** Half to even on the upper 16 bits. */
function bfloat(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const up = 0x7fff + ((bits >>> 16) & 1);
  return new Float32Array(Uint32Array.of(((bits + up) & 0xffff0000) >>> 0).buffer)[0]!;
}
const numbers = ({ data }: Value) => [...(data as Float32Array)];

describe.each(["native", "wasm"] as const)("pairs of Casts on %s", (runtime) => {
  test.each([
    ["float16", half],
    ["bfloat16", bfloat],
  ] as const)("round to %s, half to even, and are kept", async (type, reference) => {
    const tie = type === "float16" ? 2 ** -11 : 2 ** -8;
    const values = [
      1 + tie,
      1 + 3 * tie,
      1 + tie * 1.01,
      -1 - tie,
      0.1,
      6.54321,
      65504,
      1e-3,
      -0,
      2049,
      1e30,
      2 ** -25,
    ];
    const { normal } = random(3);
    for (let i = 0; i < 500; i++) values.push(normal() * 10 ** (i % 6));
    const build = graphBuilder();
    build.input("x", "float32", [values.length]);
    const narrow = build.node("Cast", ["x"], { attributes: { to: DTYPES[type].code } });
    build.output(build.node("Cast", [narrow], { outputs: ["y"], attributes: { to: 1 } }), "float32", [values.length]);
    const { y } = await run(build.model(), { x: floats([values.length], values) }, engineServices({}, runtime));
    expect(numbers(y!)).toEqual(values.map((value) => reference(Math.fround(value))));
  });
});

const BATCH = 8;
const drawn = (seed: number, count: number, scale = 1) => {
  const { normal } = random(seed);
  return Array.from({ length: count }, () => normal() * scale);
};
const x = floats([BATCH, 5], drawn(9, BATCH * 5));

/** x -> relu(x w0) w1 -> [8, 3]; the second weight of a stated size. */
function network(scale = 1) {
  const build = graphBuilder();
  build.input("x", "float32", [BATCH, 5]);
  build.initializer("w0", float32([5, 6], drawn(1, 30)));
  build.initializer("w1", float32([6, 3], drawn(3, 18, scale)));
  const hidden = build.node("Relu", [build.node("MatMul", ["x", "w0"])]);
  build.output(build.node("MatMul", [hidden, "w1"], { outputs: ["y"] }), "float32", [BATCH, 3]);
  return prepare(build.model(), { feeds: { x } }, engineServices());
}

const classes = Array.from({ length: BATCH }, (_, i) => i % 3);
const options: StepOptions = {
  losses: [{ loss: "cross-entropy" }],
  optimizer: { name: "sgd" },
  precision: "float16",
  outputs: true,
};

test("the forward pass holds what float16 holds, its weights what float32 holds", async () => {
  const session = await openStep(buildStep(await network(), options));
  const { y } = await session.run({ feeds: { x }, labels: classes, lr: 0 });
  const [w0, w1] = [session.weights().w0!, session.weights().w1!];
  const product = (rows: readonly number[], columns: readonly number[], inner: number, outer: number) =>
    Array.from({ length: (rows.length / inner) * outer }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum += rows[Math.floor(at / outer) * inner + k]! * columns[k * outer + (at % outer)]!;
      return half(sum);
    });
  const hidden = product(numbers(x).map(half), w0.map(half), 5, 6).map((value) => Math.max(0, value));
  expect(numbers(y!)).toEqual(product(hidden, w1.map(half), 6, 3));
  expect(w0).toEqual(drawn(1, 30).map(Math.fround));
  await session.release();
});

test.each(["float16", "bfloat16"] as const)("%s trains about as float32 does", async (precision) => {
  const last = async (one: StepOptions, lossScale: number) => {
    const session = await openStep(buildStep(await network(), one));
    let loss = 0;
    for (let i = 0; i < 40; i++) {
      loss = scalar((await session.run({ feeds: { x }, labels: classes, lr: 0.1, more: { lossScale } })).loss);
    }
    await session.release();
    return loss;
  };
  const exact = await last({ ...options, precision: "float32" }, 1);
  const rounded = await last({ ...options, precision }, precision === "float16" ? 1024 : 1);
  expect(exact).toBeLessThan(0.2);
  expect(Math.abs(rounded - exact)).toBeLessThan(0.05);
  expect(rounded).not.toBe(exact);
});

test("CPU and WASM agree: float32 to 1e-5, float16 to one of its own steps", async () => {
  for (const [precision, tolerance] of [
    ["float32", 1e-5],
    ["float16", 2 ** -11],
  ] as const) {
    const step = buildStep(await network(), { ...options, precision });
    const losses = async (runtime: "native" | "wasm") => {
      const session = await openStep(step, runtime);
      const found: number[] = [];
      for (let i = 0; i < 10; i++) {
        found.push(
          scalar((await session.run({ feeds: { x }, labels: classes, lr: 0.05, more: { lossScale: 256 } })).loss),
        );
      }
      await session.release();
      return found;
    };
    const [native, wasm] = [await losses("native"), await losses("wasm")];
    for (const [i, loss] of native.entries())
      expect(Math.abs(wasm[i]! / loss - 1), `step ${i}`).toBeLessThan(tolerance);
  }
});

describe("gradients below the range of float16", () => {
  const target = Array.from({ length: BATCH }, (_, i) => [2e-4, -1e-4, (i % 2) * 2e-4]);
  const small: StepOptions = {
    losses: [{ loss: "mean-squared" }],
    optimizer: { name: "adam", epsilon: 1e-20 },
    precision: "float16",
    train: ["w0"],
    underflow: true,
  };
  const trained = async (scaled: boolean) => {
    const session = await openStep(buildStep(await network(1e-4), small));
    let state: ScaleState = scaled ? startScale() : { scale: 1, good: 0, skipped: 0 };
    const losses: number[] = [];
    let last: Record<string, Value> = {};
    for (let i = 0; i < 60; i++) {
      last = await session.run({ feeds: { x }, labels: target, lr: 0.05, more: { lossScale: state.scale } });
      if (scaled) state = nextScale(state, scalar(last.finite) === 1);
      losses.push(scalar(last.loss));
    }
    await session.release();
    return { losses, last, weights: session.weights().w0! };
  };

  test("are all lost at a scale of 1, and nothing is learnt", async () => {
    const { losses, last, weights } = await trained(false);
    expect(losses.at(-1)).toBe(losses[0]);
    expect(weights).toEqual(drawn(1, 30).map(Math.fround));
    expect(scalar(last.gradient_norm)).toBe(0);
    // Those of the products' results are still there, those of the hidden layer are not.
    expect(scalar(last.underflow)).toBe(scalar(last.underflow_unscaled));
    expect(scalar(last.underflow)).toBeGreaterThan(10);
    expect(scalar(last.underflow)).toBeLessThan(scalar(last.gradient_count));
  });

  test("are there under dynamic scaling, and the net learns", async () => {
    const { losses, last } = await trained(true);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    expect(scalar(last.underflow)).toBeLessThan(scalar(last.underflow_unscaled) / 10);
    expect(scalar(last.gradient_norm)).toBeGreaterThan(0);
  });
});

test("a scale of 2^30 overflows: nothing is committed, it halves until gradients are finite, and the net learns", async () => {
  const session = await openStep(buildStep(await network(), options));
  const before = structuredClone(session.state);
  let state = startScale({ ...SCALING, initial: 2 ** 30 });
  const step = async () => {
    const results = await session.run(
      { feeds: { x }, labels: classes, lr: 0.1, more: { lossScale: state.scale } },
      false,
    );
    const finite = scalar(results.finite) === 1;
    return { results, finite };
  };
  let runs = 0;
  for (; runs < 40; runs++) {
    const { finite, results } = await step();
    expect(Number.isFinite(scalar(results.loss))).toBe(true);
    state = nextScale(state, finite);
    if (finite) break;
    expect(session.state).toEqual(before);
    expect(state.scale).toBe(2 ** (29 - runs));
  }
  expect(state.skipped).toBe(runs);
  expect(runs).toBeGreaterThan(8);
  expect(runs).toBeLessThan(20);
  const losses: number[] = [];
  for (let i = 0; i < 30; i++) {
    const results = await session.run({ feeds: { x }, labels: classes, lr: 0.1, more: { lossScale: state.scale } });
    expect(scalar(results.finite)).toBe(1);
    losses.push(scalar(results.loss));
  }
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 3);
  await session.release();
});
