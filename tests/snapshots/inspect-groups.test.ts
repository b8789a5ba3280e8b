// inspect --groups: what can be removed together, in text and as data.

import { expect, test } from "vitest";
import { inspect } from "../../src/inspect.js";
import { graphBuilder } from "../../src/ir/build.js";
import { load } from "../../src/load.js";
import { printInspection } from "../../src/report/index.js";
import { float32 } from "../../src/tensor/tensor.js";
import { patterns } from "../support/pruning/patterns.js";

const exampleModel = new URL("../../examples/keywords/model.onnx", import.meta.url).pathname;
const groupsOf = (text: string) => text.slice(text.indexOf("Channels that can be removed"));

test("of a convolutional network", async () => {
  const found = await inspect(await load(exampleModel), { groups: true });
  expect(JSON.parse(JSON.stringify(found.groups))).toEqual(found.groups);
  const text = groupsOf(printInspection(found));
  await expect(text).toMatchFileSnapshot("inspect/groups-keywords.txt");
});

test("of an encoder: heads, hidden units, and what norms keep", async () => {
  const { model } = patterns.find(({ name }) => name === "encoder, attention in plain operators")!.make(1);
  const text = groupsOf(printInspection(await inspect(model, { groups: true })));
  await expect(text).toMatchFileSnapshot("inspect/groups-encoder.txt");
});

test("null unless asked for, and where the model does not run", async () => {
  const b = graphBuilder();
  b.input("x", "float32", [1, 4]);
  b.output(b.node("Unheard", ["x", b.initializer("w", float32([4, 4], new Float32Array(16)))]), "float32", [1, 4]);
  const model = b.model();
  expect((await inspect(model)).groups).toBeNull();
  const found = await inspect(model, { groups: true });
  expect(found.groups).toBeNull();
  expect(found.notes.map(({ code }) => code)).toContain("groups-unknown");
  expect(printInspection(found)).not.toContain("Channels that");
});
