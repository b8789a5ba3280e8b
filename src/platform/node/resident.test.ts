import { afterAll, describe, expect, test } from "vitest";
import type { ResidentSession, ResidentState } from "../../engine/resident.js";
import { graphBuilder } from "../../ir/build.js";
import { toBytes } from "../../onnx/encode.js";
import { float32, int64 } from "../../tensor/tensor.js";
import type { Value } from "../../tensor/value.js";
import { resident } from "./resident.js";

const floats = (dims: number[], ...data: number[]): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(data),
});

/** w' = w + x, n' = n + 1; sum = sum(w'). "fixed" is read and never changed. */
function counter() {
  const b = graphBuilder();
  const x = b.input("x", "float32", [3]);
  const w = b.input("w", "float32", [3]);
  const n = b.input("n", "int64", []);
  const fixed = b.input("fixed", "float32", [3]);
  const next = b.node("Add", [w, b.node("Mul", [x, fixed])], { outputs: ["w_next"] });
  b.output(next, "float32", [3]);
  b.output(b.node("Add", [n, b.initializer("one", int64([], [1]))], { outputs: ["n_next"] }), "int64", []);
  b.output(b.node("ReduceSum", [next], { attributes: { keepdims: 0 }, outputs: ["sum"] }), "float32", []);
  b.output(b.node("Neg", [x], { outputs: ["minus"] }), "float32", [3]);
  return b.model({ opset: 21 });
}

const state: ResidentState[] = [
  { input: "w", output: "w_next", dtype: "float32", dims: [3] },
  { input: "n", output: "n_next", dtype: "int64", dims: [] },
  { input: "fixed", dtype: "float32", dims: [3] },
];
const initial = (): Record<string, Value> => ({
  w: floats([3], 1, 2, 3),
  n: { dtype: "int64", dims: [], data: BigInt64Array.of(0n) },
  fixed: floats([3], 1, 1, 1),
});

describe.each(["cpu", "wasm"] as const)("%s", (provider) => {
  const opened: ResidentSession[] = [];
  afterAll(async () => {
    for (const session of opened) await session.release();
  });
  const open = async (model = counter(), slots = state, values = initial()) => {
    const session = await resident({ bytes: await toBytes(model) }, slots, values, { provider, threads: 1 });
    opened.push(session);
    return session;
  };
  const one = () => ({ x: floats([3], 1, 10, 100) });

  test("state changes on commit only, and is read and written as copies", async () => {
    const values = initial();
    const session = await open(counter(), state, values);
    // The caller's arrays are still the caller's.
    expect(values.w!.data).toHaveLength(3);
    expect(await session.run(one())).toEqual({ sum: floats([], 117), minus: floats([3], -1, -10, -100) });
    expect(await session.run(one(), ["sum"])).toEqual({ sum: floats([], 117) });
    session.commit();
    for (const sum of [228, 339, 450]) {
      expect(await session.run(one(), ["sum"])).toEqual({ sum: floats([], sum) });
      session.commit();
    }
    const read = await session.read();
    expect(read.w).toEqual(floats([3], 5, 42, 403));
    expect(read.n!.data).toEqual(BigInt64Array.of(4n));
    (read.w!.data as Float32Array).fill(0);
    expect(await session.read(["w"])).toEqual({ w: floats([3], 5, 42, 403) });
    await session.run(one(), []);
    await session.write({ w: floats([3], 0, 0, 0), fixed: floats([3], 2, 2, 2) });
    expect(() => session.commit()).toThrow("no pending state");
    expect(await session.run(one(), ["sum"])).toEqual({ sum: floats([], 222) });
    session.commit();
    expect(() => session.commit()).toThrow("no pending state");
    expect((await session.read(["n"])).n!.data).toEqual(BigInt64Array.of(5n));
  });

  test("an error of a run leaves the state as it was, and the session usable", async () => {
    const session = await open();
    await session.run(one());
    session.commit();
    await expect(session.run({})).rejects.toMatchObject({ code: "engine-feed-missing", node: "x" });
    await expect(session.run({ x: floats([2], 1, 2) })).rejects.toMatchObject({ code: "engine-shape" });
    expect(() => session.commit()).toThrow("no pending state");
    expect(await session.read(["w"])).toEqual({ w: floats([3], 2, 12, 103) });
    expect(await session.run(one(), ["sum"])).toEqual({ sum: floats([], 228) });
  });

  test("what the runtime refuses, and state that the graph does not have, is said when it is opened", async () => {
    const b = graphBuilder();
    b.output(b.node("NoSuchOperator", [b.input("x", "float32", [3])], { outputs: ["y"] }), "float32", [3]);
    await expect(open(b.model(), [], {})).rejects.toMatchObject({ node: "NoSuchOperator" });
    const wrong = [{ input: "w", output: "sum", dtype: "float32", dims: [3] }] as const;
    await expect(open(counter(), [...wrong], initial())).rejects.toMatchObject({ code: "internal", node: "sum" });
    await expect(open(counter(), state, { ...initial(), w: floats([2], 1, 2) })).rejects.toMatchObject({
      code: "state-shape",
      node: "w",
    });
  });
});

test("feeds are handed over, not copied, unless they are part of something larger", async () => {
  const session = await resident({ bytes: await toBytes(counter()) }, state, initial(), { threads: 1 });
  const whole = { x: floats([3], 1, 1, 1) };
  await session.run(whole);
  expect((whole.x.data as Float32Array).buffer.byteLength).toBe(0);
  const part = { x: { dtype: "float32", dims: [3], data: new Float32Array(6).subarray(3) } } as const;
  await session.run(part);
  expect(part.x.data).toHaveLength(3);
  await session.release();
  await expect(session.run(one3())).rejects.toMatchObject({ code: "session-released" });
  await session.release();
});

const one3 = () => ({ x: floats([3], 1, 1, 1) });

test("a run leaves this thread free", async () => {
  // 768^3 multiplications, 20 times over: far longer than the timers below.
  const b = graphBuilder();
  let x = b.input("x", "float32", [768, 768]);
  const w = b.initializer("w", float32([768, 768], new Float32Array(768 * 768)));
  for (let i = 0; i < 20; i++) x = b.node("MatMul", [x, w]);
  b.output(b.node("ReduceSum", [x], { outputs: ["y"] }), "float32", [1, 1]);
  const session = await resident({ bytes: await toBytes(b.model({ opset: 21 })) }, [], {}, { threads: 1 });
  let ticks = 0;
  let done = false;
  const tick = () => {
    ticks++;
    if (!done) setImmediate(tick);
  };
  tick();
  await session.run({ x: { dtype: "float32", dims: [768, 768], data: new Float32Array(768 * 768) } });
  done = true;
  // In this thread the run would have let a handful pass: before it began and after it ended.
  expect(ticks).toBeGreaterThan(100);
  await session.release();
});
