// Let pare choose the form, judged by labelled data, then compare it with the original.

import { load, measure, pare, save } from "pare";

const original = await load("model.onnx");
const { chosen, attempts } = await pare(original, { data: "dataset.json" });
for (const { form, bytes, passed, reason } of attempts)
  console.log(`${form}: ${bytes} bytes, ${passed ? "passed" : reason}`);
if (chosen === undefined) throw new Error("no form is as good as the original");

await save(chosen.model, "chosen.onnx");
const { models } = await measure(["model.onnx", "chosen.onnx"], {
  data: "dataset.json",
  metrics: ["size", "accuracy"],
});
for (const { path, bytes, accuracy } of models) {
  console.log(`${path}: ${bytes} bytes, ${accuracy?.metric} ${accuracy?.value.toFixed(3)}`);
}
