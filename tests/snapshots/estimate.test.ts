// The hardware estimate of an inspection: in text, in JSON, and where the shapes for it come from.

import { expect, test } from "vitest";
import { hardware } from "../../src/hardware/index.js";
import { inspect } from "../../src/inspect.js";
import { graphBuilder } from "../../src/ir/build.js";
import { printDevices, printInspection } from "../../src/report/index.js";
import { float32 } from "../../src/tensor/tensor.js";
import { mobile } from "../support/zoo/vision.js";
import { zoo } from "../support/zoo.js";

const estimateOf = (text: string) => text.slice(text.indexOf("Estimate, not measured"));

test("a small network on a server, a phone and a microcontroller, in text", async () => {
  const found = await inspect(mobile().model, {
    hardware: ["a100", "snapdragon-8-gen-3", "cortex-m4f"],
    dims: { batch: 1 },
  });
  await expect(estimateOf(printInspection(found))).toMatchFileSnapshot("inspect/estimate.txt");
  expect(JSON.parse(JSON.stringify(found.estimate))).toEqual(found.estimate);
});

test("the table of devices, in text", async () => {
  await expect(printDevices(hardware.list)).toMatchFileSnapshot("inspect/hardware.txt");
});

test("the model is run only for shapes that the file does not state", async () => {
  const of = (batch: number | string) => {
    const b = graphBuilder();
    b.input("x", "float32", [batch, 64]);
    b.node("MatMul", ["x", b.initializer("w", float32([64, 64], new Float32Array(4096)))], { outputs: ["y"] });
    b.output("y", "float32", [batch, 64]);
    return b.model();
  };
  const stated = await inspect(of(2), { hardware: "a100" });
  expect(stated.observed).toBeNull();
  expect(stated.estimate?.layers).toEqual([
    { name: "MatMul:y", op: "MatMul", macs: 8192, weights: 4096, activations: 256 },
  ]);
  expect((await inspect(of("batch"))).estimate).toBeNull();
  // The batch scales the work and the activations, not the weights.
  const run = await inspect(of("batch"), { hardware: "a100", dims: { batch: 32 } });
  expect(run.observed).toEqual({ x: [32, 64] });
  expect(run.estimate?.work).toMatchObject({ macs: 32 * 4096, weights: 4096, activations: 32 * 128 });
});

test("a model without products has no estimate, and says so", async () => {
  const b = graphBuilder();
  b.input("x", "float32", [4]);
  b.node("Relu", ["x"], { outputs: ["y"] });
  b.output("y", "float32", [4]);
  const found = await inspect(b.model(), { hardware: "all" });
  expect(found.estimate).toBeNull();
  expect(found.notes.map(({ code }) => code)).toContain("estimate-no-work");
});

test("an unknown device is refused before anything is read", async () => {
  await expect(inspect("there-is-no-such-file.onnx", { hardware: "rtx4090" })).rejects.toMatchObject({
    code: "hardware-unknown",
    hint: 'Did you mean "rtx-4090"?',
  });
});

test.each(zoo().map(({ name, model }) => [name, model] as const))("%s on every device", async (_, model) => {
  const { estimate, notes } = await inspect(model, { hardware: "all" });
  if (estimate === null) return expect(notes.map(({ code }) => code).join()).toContain("estimate-");
  expect(estimate.devices.map(({ device }) => device)).toEqual(hardware.names);
  for (const { forms, bounds, advice } of estimate.devices) {
    expect(bounds.memory.length + bounds.arithmetic.length).toBe(estimate.work.layers);
    expect(advice).not.toMatch(/NaN|undefined|Infinity/);
    for (const form of forms) {
      expect(form.seconds).toBeGreaterThan(0);
      expect(form.joules).toBeLessThanOrEqual(form.joulesAtFullPower);
      expect(form.memoryBoundLayers + form.arithmeticBoundLayers).toBe(estimate.work.layers);
    }
  }
});
