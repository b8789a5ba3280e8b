import { expect, test } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { int64 } from "../tensor/tensor.js";
import { classOutputs } from "./classes.js";

function outputsOf(op: string, name: string, after: readonly string[] = []): readonly string[] {
  const b = graphBuilder();
  let x = b.input("x", "float32", [1, 10]);
  const shape = b.initializer("shape", int64([2], [1, 10]));
  for (const [i, each] of [op, ...after].entries()) {
    const last = i === after.length;
    x = b.node(each, each === "Reshape" ? [x, shape] : [x], last ? { outputs: [name] } : {});
  }
  b.output(name, "float32", [1, 10]);
  return [...classOutputs(b.model())];
}

test.each(["logits", "output_logits", "prob", "class_scores", "softmaxout_1"])("%s is named like classes", (name) => {
  expect(outputsOf("Relu", name)).toEqual([name]);
});

test.each(["embedding", "output", "boxes", "last_hidden_state", "y"])("%s alone says nothing of classes", (name) => {
  expect(outputsOf("Relu", name)).toEqual([]);
  expect(outputsOf("Softmax", name, ["Relu"])).toEqual([]);
});

test.each(["Softmax", "LogSoftmax", "Sigmoid"])("the last operator %s makes classes, also handed on", (op) => {
  expect(outputsOf(op, "y")).toEqual(["y"]);
  expect(outputsOf(op, "y", ["Identity", "Reshape"])).toEqual(["y"]);
});
