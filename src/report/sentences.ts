// Sentences that every form of the report says in the same words.

import type { Report, Training } from "../metrics/report.js";
import { bytes, percent, plain } from "./format.js";

/** On what was measured, and what that proves. `caution`: readers must not miss it. */
export function aboutData({ data, seed }: Report): { readonly text: string; readonly caution: boolean } {
  const samples = `${data.samples} ${data.samples === 1 ? "sample" : "samples"}`;
  if (data.synthetic) {
    return {
      text: `Measured on ${samples} of synthetic input (seed ${seed}): this shows how close the outputs are, not how accurate the model is. Give real data with --data.`,
      caution: true,
    };
  }
  const labels = data.labelled ? "" : " without labels: accuracy is not known";
  return { text: `Measured on ${samples} of ${plain(data.name)}${labels} (seed ${seed}).`, caution: false };
}

export function aboutTraining({ steps, samples, heldOut, seconds, underflow }: Training): string {
  const looks = heldOut === 0 ? "without a held-out part" : `looked at on ${heldOut} others`;
  const lost = underflow
    ? ` Of the gradients that were not 0, ${percent(underflow.lost, 2)} became 0 in low precision; without the loss scale it would have been ${percent(underflow.unscaled, 2)}.`
    : "";
  return `${steps} updates in ${seconds.toFixed(1)} s on ${samples} samples, ${looks}.${lost}`;
}

export function aboutMachine({ machine, settings }: Report): string {
  const provider = settings?.provider ? `, provider ${plain(settings.provider)}` : "";
  const threads = settings?.threads === undefined ? "" : `, ${settings.threads} threads`;
  return `${plain(machine.cpu)}, ${machine.cores} cores, ${bytes(machine.memory)} memory, ${plain(machine.platform)}, ${plain(machine.runtime)}${provider}${threads}.`;
}

/** How the numbers were made: for the foot of the report. */
export const METHOD: readonly string[] = [
  "File: bytes of the model file with its external data. Sent: the same bytes after gzip level 6 or brotli quality 5.",
  "Latency: one run of the first sample, the models in turn (A B A B), so that drift of the machine falls on all alike; the ratio is the median over the rounds.",
  "Load and memory: of a fresh process that opens the model and runs it.",
  "Cosine, SQNR and the largest error: each output against the reference's, over all samples, the same for every model.",
];
