// inspect: every real and generated model, without reading a weight or running anything unless asked to.

import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.js";
import { inspect } from "../../src/inspect.js";
import { graphBuilder } from "../../src/ir/build.js";
import { load } from "../../src/load.js";
import { printInspection } from "../../src/report/index.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { float32 } from "../../src/tensor/tensor.js";
import { portfolioModels } from "../support/portfolio.js";
import { zoo } from "../support/zoo.js";

const exampleModel = new URL("../../examples/keywords/model.onnx", import.meta.url).pathname;

/** What holds for every inspection. */
function check(found: Awaited<ReturnType<typeof inspect>>) {
  expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  const sum = (list: readonly { readonly weightBytes: number }[]) =>
    list.reduce((all, each) => all + each.weightBytes, 0);
  expect(sum(found.operators)).toBe(sum(found.nodes));
  expect(sum(found.nodes)).toBeLessThanOrEqual(found.counts.weightBytes);
  expect(found.operators.reduce((all, { count }) => all + count, 0)).toBe(found.counts.nodes);
  expect(found.dtypes.reduce((all, { bytes }) => all + bytes, 0)).toBe(found.counts.weightBytes);
  for (const node of found.nodes) expect(node.can.length > 0 || node.why !== undefined).toBe(true);
  const text = printInspection(found, { nodes: true });
  expect(text).not.toMatch(/NaN|undefined|\[object/);
  // Weights that no node uses are all that is in no row.
  return found;
}

describe("portfolio", () => {
  test.each(portfolioModels().map((path) => [basename(path), path]))("%s", async (_, path) => {
    const shallow = check(await inspect(path));
    expect(shallow.counts.parameters).toBeGreaterThan(1000);
    expect(shallow.bytes).toBeGreaterThan(shallow.counts.weightBytes * 0.99);
    expect(shallow.equal).toBeNull();
    expect(shallow.peakActivationBytes).toBeNull();
    const deep = check(await inspect(path, { deep: true }));
    expect(deep.macs).toBeGreaterThan(10_000);
    expect(deep.peakActivationBytes).toBeGreaterThan(500);
    expect(deep.equal).not.toBeNull();
  });
});

describe("zoo", () => {
  test.each(zoo().map(({ name, model }) => [name, model] as const))("%s", async (_, model) => {
    check(await inspect(model));
    check(await inspect(model, { deep: true }));
  });
});

test("the example, in text", async () => {
  const found = await inspect(await load(exampleModel), { deep: true, target: "node" });
  const text = printInspection({ ...found, path: "model.onnx" }, { nodes: true });
  await expect(text).toMatchFileSnapshot("inspect/keywords.txt");
});

test("no weight is read and no runtime made by default", async () => {
  const refuse = () => {
    throw new Error("a weight was read");
  };
  const locked: Tensor = {
    dtype: "float32",
    dims: [64, 64],
    data: { byteLength: 64 * 64 * 4, read: refuse, stream: refuse },
  };
  const b = graphBuilder();
  b.input("x", "float32", [1, 64]);
  b.node("MatMul", ["x", b.initializer("w", locked)], { outputs: ["y"] });
  b.output("y", "float32", [1, 64]);
  const model = b.model();
  const found = check(await inspect(model));
  // The file states all shapes: the work is known without running.
  expect(found.macs).toBe(64 * 64);
  const deep = await inspect(model, { deep: true });
  expect(deep.notes.map(({ text }) => text).join()).toContain("a weight was read");
  expect(deep.peakActivationBytes).toBeNull();
});

test("equal and shared weights", async () => {
  const b = graphBuilder();
  b.input("x", "float32", [1, 8]);
  const values = Array.from({ length: 64 }, (_, i) => i);
  const first = b.initializer("first", float32([8, 8], values));
  const second = b.initializer("second", float32([8, 8], values));
  const step = (x: string, w: string) => b.node("MatMul", [x, w]);
  b.node("Relu", [step(step(step("x", first), second), first)], { outputs: ["y"] });
  b.output("y", "float32", [1, 8]);
  const found = await inspect(b.model(), { deep: true });
  expect(found.equal).toEqual([{ names: ["first", "second"], bytes: 256, wasted: 256 }]);
  expect(found.shared.map(({ name, users }) => [name, users.length])).toEqual([["first", 2]]);
});

test("names that attack a terminal are shown, not sent", async () => {
  const evil = "\u001b]0;owned\u0007\n\u202e<b>";
  const b = graphBuilder(evil);
  b.input(`x${evil}`, "float32", [1, evil, 4]);
  const w = b.initializer(`w${evil}`, float32([4, 4], Array(16).fill(1)));
  b.node("MatMul", [`x${evil}`, w], { name: `n${evil}`, outputs: [`y${evil}`] });
  b.node("Relu", [`y${evil}`], { name: `r${evil}`, outputs: ["z"] });
  b.output("z", "float32", [1, evil, 4]);
  const text = printInspection(await inspect(b.model()), { nodes: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(text.replaceAll(/\u001b\[\d+m/g, "")).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  expect(text).toContain("\\u001b]0;owned\\u0007");
});

test("a deep inspection observes what the data feed", async () => {
  const b = graphBuilder();
  b.input("x", "float32", ["batch", "length"]);
  const w = b.initializer("w", float32([1, 8], new Float32Array(8)));
  b.output(b.node("MatMul", [b.node("ReduceMean", ["x"], { attributes: { keepdims: 1 } }), w]), "float32", [1, 8]);
  const self: Dataset = {
    name: "listed",
    size: 1,
    labelled: false,
    synthetic: false,
    metric: undefined,
    async *samples() {
      yield { feeds: { x: { dtype: "float32", dims: [3, 77], data: new Float32Array(231) } }, id: "0" };
    },
    split: () => self,
  };
  expect((await inspect(b.model(), { deep: true, data: self })).observed).toEqual({ x: [3, 77] });
  expect((await inspect(b.model(), { data: self })).observed).toBeNull();
});
