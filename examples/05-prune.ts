// Cut channels out of a model until half of its work is gone, train what is left, and do the same to other weights by the plan.

import { load, measure, prune, save } from "pare";

const original = await load("model.onnx");
const { model, groups, macs, plan, notes } = await prune(
  original,
  { structure: "channel", score: "l2", macs: "50%", steps: 2, finetune: { steps: 10, batch: 16 } },
  { data: "dataset.json", seed: 1 },
);
for (const { level, text } of notes) if (level === "warning") console.log(`! ${text}`);
for (const { group, units, reason } of groups ?? [])
  console.log(`${group}: ${units.before} -> ${units.after} (${reason})`);
console.log(`MACs ${macs?.before} -> ${macs?.after}`);

// Time and accuracy, measured in turn on samples that had no part in anything above.
await save(model, "pruned.onnx");
const report = await measure([original, model], { data: "dataset.json", metrics: ["latency", "accuracy"], runs: 20 });
for (const { latencyMs, accuracy } of report.models)
  console.log(`${latencyMs?.median.toFixed(3)} ms, ${accuracy?.metric} ${accuracy?.value.toFixed(3)}`);

// The plan holds names and numbers of channels: it fits any weights of this architecture, without data.
const again = await prune(original, { plan });
console.log(`by the plan: ${again.macs?.after}`);
