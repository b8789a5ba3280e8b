// Half of the multiply-accumulates gone with the channels, and a little more: how much faster, how much smaller, at what accuracy.

import { load, prune } from "../../src/index.js";
import { toBytes } from "../../src/onnx/encode.js";
import type { Cell, Conditions } from "./cell.js";
import { type Latency, latency } from "./latency.js";
import { right } from "./right.js";
import { type Subject, subjects } from "./subjects.js";

export interface StructuredRow {
  readonly kind: "structured";
  readonly model: string;
  /** Least that a run must be faster; undefined: reported only. */
  readonly bar: number | null;
  readonly macs: { readonly before: number; readonly after: number };
  readonly bytes: { readonly before: number; readonly after: number };
  readonly latency: readonly Latency[];
  readonly before: string;
  /** Batch-norm statistics estimated anew where there is data to train on, nothing trained. */
  readonly cut: string;
  readonly tuned: string | null;
  readonly seconds: number;
}

export const structured = (): Cell[] =>
  (
    [
      [subjects.squeezenet, 1.6],
      [subjects.resnet20, 1.6],
      [subjects.keywords, null],
    ] as const
  ).flatMap(([subject, bar]) =>
    // Half, and what it takes to halve the time too: elementwise work and memory do not shrink as the products do.
    ["50%", "58%"].map((macs) => ({
      case: `structured-${subject.name}`,
      name: `structured-${subject.name}${macs === "50%" ? "" : "-more"}`,
      run: (conditions: Conditions) => row(subject, bar, macs, conditions),
    })),
  );

async function row(
  subject: Subject,
  bar: number | null,
  share: string,
  conditions: Conditions,
): Promise<StructuredRow> {
  const { threads, trial } = conditions;
  const model = await load(subject.path);
  const settings = { structure: "channel", score: "l2", macs: share, seed: 1 } as const;
  const begun = performance.now();
  const cut = await prune(model, settings, { data: subject.data, threads });
  const tuned =
    subject.finetune &&
    (await prune(
      model,
      { ...settings, finetune: { ...subject.finetune, ...(trial && { epochs: undefined, steps: 5 }) } },
      { data: subject.data, threads },
    ));
  const seconds = (performance.now() - begun) / 1000;
  const last = (tuned ?? cut).model;
  const times = [];
  for (const batch of [1, 16]) {
    times.push(await latency(model, last, subject.data, batch, { threads, seconds: trial ? 1 : 20 }));
  }
  return {
    kind: "structured",
    model: subject.title,
    bar,
    macs: (tuned ?? cut).macs!,
    bytes: { before: (await toBytes(model)).length, after: (await toBytes(last)).length },
    latency: times,
    before: await right(model, subject.data, threads),
    cut: await right(cut.model, subject.data, threads),
    tuned: tuned ? await right(tuned.model, subject.data, threads) : null,
    seconds,
  };
}
