// ONNX Runtime runs no recurrent layer of layout 1: what becomes of one is compared with the layer of layout 0.

import { expect, test } from "vitest";
import { services } from "../../../tests/support/services.js";
import { run } from "../../engine/run.js";
import { type GraphBuilder, graphBuilder, makeModel } from "../../ir/build.js";
import { random } from "../../tensor/random.js";
import type { Value } from "../../tensor/value.js";
import { timeFirst } from "./time-first.js";

const [steps, batch, input, hidden] = [3, 2, 4, 5];
const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;

const { next } = random(2);
const drawn = (dims: readonly number[]): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from({ length: dims.reduce((all, one) => all * one, 1) }, () => next() - 0.5),
});

/** `dims` with the axes in the order of `perm`. */
function moved({ dims, data }: Value, perm: readonly number[]): Value {
  const from = data as Float32Array;
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((all, one) => all * one, 1));
  const to = perm.map((axis) => dims[axis]!);
  const result = Float32Array.from(from, (_, at) => {
    let rest = at;
    let source = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      source += (rest % to[axis]!) * strides[perm[axis]!]!;
      rest = Math.floor(rest / to[axis]!);
    }
    return from[source]!;
  });
  return { dtype: "float32", dims: to, data: result };
}

test.each(["LSTM", "GRU", "RNN"] as const)("%s: samples first, in both directions, with initial states", async (op) => {
  const x = drawn([steps, batch, input]);
  const h = drawn([2, batch, hidden]);
  const c = drawn([2, batch, hidden]);
  const weights = { w: drawn([2, GATES[op] * hidden, input]), r: drawn([2, GATES[op] * hidden, hidden]) };
  const states = op === "LSTM" ? ["h", "c"] : ["h"];
  const layer = (layout: number) => {
    const b: GraphBuilder = graphBuilder();
    const outputs = ["y", "yh", ...(op === "LSTM" ? ["yc"] : [])];
    for (const name of ["x", "w", "r", ...states]) b.input(name, "float32");
    b.nodes(op, ["x", "w", "r", "", "", ...states], {
      outputs,
      attributes: { hidden_size: hidden, direction: "bidirectional", ...(layout === 1 ? { layout } : {}) },
    });
    for (const name of outputs) b.output(name, "float32");
    return b.graph();
  };
  const given = (first: boolean) => {
    const all: Record<string, Value> = { x, h, c };
    const fed = Object.fromEntries(
      ["x", ...states].map((name) => [name, first ? moved(all[name]!, [1, 0, 2]) : all[name]!]),
    );
    return { ...fed, ...weights };
  };
  const rewritten = timeFirst(layer(1));
  expect(rewritten.nodes.filter((node) => node.attributes.has("layout"))).toEqual([]);
  const expected = await run(makeModel(layer(0)), given(false), services);
  const found = await run(makeModel(rewritten), given(true), services);
  expect(found.y).toEqual(moved(expected.y!, [2, 0, 1, 3]));
  for (const name of op === "LSTM" ? ["yh", "yc"] : ["yh"])
    expect(found[name]).toEqual(moved(expected[name]!, [1, 0, 2]));
});
