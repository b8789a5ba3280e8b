// Train a model further on its own data, from the ONNX file alone, and look at what it brought.

import { finetune, load, measure, save } from "pare";

const original = await load("model.onnx");
const { model, training, before, best, notes } = await finetune(
  original,
  { steps: 10, batch: 16, lr: 0.0005, evaluateEvery: 5 },
  {
    data: "dataset.json",
    seed: 1,
    onEntry: ({ step, loss }) => console.log(`update ${step}: loss ${loss.toFixed(3)}`),
  },
);
for (const { text } of notes) console.log(`- ${text}`);
console.log(`${training.steps} updates on ${training.samples} samples`);
console.log(`held out: ${before?.metric?.value} before, ${best?.held.metric?.value} after`);

// What was measured on neither served to train nor to choose.
await save(model, "trained.onnx");
const { models } = await measure([original, model], { data: "dataset.json", metrics: ["accuracy"], limit: 200 });
console.log(models.map(({ accuracy }) => `${accuracy?.metric} ${accuracy?.value.toFixed(3)}`).join(" -> "));
