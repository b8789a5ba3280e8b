// Which loss a model is trained with when nobody says: by how it ends and by what its labels are.

import { invalid } from "../base/errors.js";
import { info, type Note } from "../base/note.js";
import type { Dataset, Sample } from "../data/dataset.js";
import { labelledByClass } from "../metrics/accuracy/index.js";
import { elementCount } from "../tensor/dtype.js";
import { rowsOf } from "./collate.js";
import type { Head, Prepared } from "./prepared.js";
import type { LossChoice } from "./step-losses.js";

/** Labels that are looked at: enough to tell class numbers from measurements. */
const LOOKED_AT = 16;

/** Throws `invalid("label-missing" | "loss-output" | "loss-unclear")`. */
export async function defaultLoss(prepared: Prepared, data: Dataset): Promise<{ loss: LossChoice; note: Note }> {
  const samples: Sample[] = [];
  for await (const sample of data.samples({ limit: LOOKED_AT })) samples.push(sample);
  if (samples.some(({ label }) => label === undefined)) {
    throw invalid("label-missing", `${data.name} has no labels to learn from.`, {
      hint: 'Say where they are: "labels" in dataset.json (docs/data.md). Losses without labels are stated with --loss.',
    });
  }
  const [head] = prepared.heads;
  if (head === undefined) throw invalid("loss-output", "The model has no float output that a loss could be on.");
  const dims = prepared.shapes.get(head.logits)!.dims;
  const { loss, why } = choose(head, dims.slice(1), samples, data.metric);
  return { loss, note: info("loss-chosen", `The loss is ${loss.loss} on "${head.output}": ${why}.`) };
}

function choose(
  { activation, axis, output }: Head,
  dims: readonly number[],
  samples: readonly Sample[],
  metric: string | undefined,
): { loss: LossChoice; why: string } {
  // A sample may hold several rows: what counts is what one of them is labelled with.
  const sizes = new Set(samples.map((sample) => sizeOf(sample.label) / rowsOf(sample)));
  const size = sizes.size === 1 ? [...sizes][0]! : Number.NaN;
  const whole = elementCount(dims);
  const classes = samples.every((sample) => labelledByClass(metric, sample));
  const positions = whole / (dims[axis - 1] ?? 1);
  if (activation === "sigmoid") return { loss: { loss: "binary-cross-entropy" }, why: "the model ends in a sigmoid" };
  if (activation !== "none") {
    if (size === whole && !classes) {
      return {
        loss: { loss: "cross-entropy", targets: "probabilities" },
        why: `the model ends in ${activation} and labels have a number for every class`,
      };
    }
    return { loss: { loss: "cross-entropy" }, why: `the model ends in ${activation}` };
  }
  if (classes && size === positions && (dims[axis - 1] ?? 1) > 1) {
    const next = dims.length > 1 ? "the class or token of each position" : "class numbers";
    return { loss: { loss: "cross-entropy" }, why: `labels are ${next}, and the output has a number for every class` };
  }
  if (size === whole) {
    const yesNo = classes && metric !== undefined && samples.every(({ label }) => label === 0 || label === 1);
    if (yesNo) return { loss: { loss: "binary-cross-entropy" }, why: "labels are 0 or 1 for one number" };
    return { loss: { loss: "mean-squared" }, why: "the model ends in no activation and labels are as many numbers" };
  }
  throw invalid("loss-unclear", `No loss suggests itself for the labels and the output "${output}".`, {
    node: output,
    expected: `a class number for each of ${positions} positions, or ${whole} numbers a sample`,
    found: Number.isNaN(size) ? "labels of several sizes" : `${size} numbers a sample`,
    hint: "State it with --loss, and the output that it is on.",
  });
}

const sizeOf = (label: Sample["label"]): number =>
  typeof label === "object" ? ("dtype" in label ? elementCount(label.dims) : label.length) : 1;
