// The flow of the commands that train: load, train, verify, save whole or not at all; what is said meanwhile.

import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import pc from "picocolors";
import {
  type Evaluation,
  type FinetuneResult,
  type FinetuneSettings,
  failed,
  finetune,
  fixDims,
  load,
  PareError,
  printCurve,
  type TrainLogEntry,
  type Verification,
} from "../index.js";
import { fileSize } from "./format.js";
import { type MakeFlags, report, saveChecked } from "./make.js";
import { defaultOutput, type Session } from "./shared.js";
import type { Terminal } from "./terminal.js";

export interface TrainFlags extends MakeFlags {
  readonly log?: string;
  readonly checkpoint?: string;
  readonly checkpointEvery?: number;
  readonly resume?: boolean;
}

export async function trainModel(
  input: string,
  settings: FinetuneSettings,
  flags: TrainFlags,
  { terminal, options }: Session,
): Promise<void> {
  const out = flags.out ?? defaultOutput(input, ".trained.onnx");
  const checkpoint = flags.checkpoint ?? `${out}.checkpoint`;
  const original = await load(input, options);
  const start = flags.fixDims ? fixDims(original, options) : original;
  const lines = flags.log === undefined ? undefined : logFile(flags.log, flags.resume === true);
  const watch = watcher(terminal);
  const trained = await finetune(start, settings, {
    ...options,
    dims: flags.fixDims ? {} : options.dims,
    onProgress: watch.progress,
    onEntry(entry) {
      lines?.write(entry);
      watch.entry(entry);
    },
    checkpoint,
    checkpointEvery: flags.checkpointEvery,
    resume: flags.resume === true,
    verify: flags.verify === true,
  })
    .catch((error: unknown) => {
      throw resumable(error);
    })
    .finally(() => lines?.close());
  terminal.notes(trained.notes, flags.verbose === true);
  terminal.print(described(trained));
  if (flags.dryRun) {
    terminal.json({ input, output: null, ...asJson(trained) });
    terminal.print("The model was not written (--dry-run).");
  } else {
    // A dataset that keeps nothing to measure on has nothing to verify on either: drawn inputs show that it runs.
    const measured = trained.samples.measure === 0 ? { ...options, data: undefined } : options;
    const session = { terminal, options: measured };
    const { saved, verification } = await saveChecked(original, trained.model, out, flags, session);
    terminal.json({
      input,
      output: saved.path,
      bytes: saved.bytes,
      files: saved.files,
      verification,
      ...asJson(trained),
    });
    terminal.print(`${pc.bold(saved.path)}  ${fileSize(saved.bytes)}`);
    if (verification) terminal.print(describeRun(verification));
    if (flags.report !== undefined) {
      await report(original, out, flags.report, { notes: trained.notes, training: trained.training }, session);
    }
  }
  // It served: the file is written. One that was asked for by name stays, to train further from.
  if (flags.checkpoint === undefined) rmSync(checkpoint, { force: true });
}

/** Outputs of a trained model differ from those before by intent: only that it runs is worth a word. */
function describeRun({ verified, samples, reason }: Verification): string {
  return verified === "no"
    ? pc.yellow(`not verified: ${reason ?? "unknown reason"}`)
    : `verified: it runs on ${samples} samples`;
}

/** A stop that left a checkpoint ends with the command that goes on from it. */
function resumable(error: unknown): unknown {
  if (!(error instanceof PareError) || error.code !== "training-stopped") return error;
  const words = process.argv.slice(2).filter((word) => word !== "--resume");
  return failed("training-stopped", error.message, {
    hint: `Go on with: pare ${[...words, "--resume"].map(quoted).join(" ")}`,
    cause: error.cause,
  });
}

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function logFile(path: string, resumed: boolean) {
  // A run that was killed wrote lines that its checkpoint knows nothing of: these come once more, and are dropped here.
  const before = resumed && existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  let file: number;
  try {
    file = openSync(path, resumed ? "a" : "w");
  } catch (cause) {
    throw failed("log-unwritable", `${path} cannot be written.`, { node: path, cause });
  }
  let first = resumed;
  return {
    write(entry: TrainLogEntry) {
      if (first) {
        ftruncateSync(file, 0);
        for (const line of before) if (stepOf(line) < entry.step) writeSync(file, `${line}\n`);
        first = false;
      }
      writeSync(file, `${JSON.stringify(entry)}\n`);
    },
    close: () => closeSync(file),
  };
}

/** The update that a line of the log is of; infinity for what is no line of it. */
function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as TrainLogEntry).step;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Where standard error is a terminal, the last figures beside the bar; else a line for every look at the held-out part. */
function watcher(terminal: Terminal) {
  let last: TrainLogEntry | undefined;
  let seen: Evaluation | undefined;
  return {
    progress: (progress: Parameters<Terminal["progress"]>[0]) =>
      terminal.progress(
        progress.task === "train" && last ? { ...progress, detail: figures(last, seen, false) } : progress,
      ),
    entry(entry: TrainLogEntry) {
      last = entry;
      seen = entry.held ?? seen;
      if (entry.held === undefined && entry.step < entry.steps) return;
      terminal.say(
        `epoch ${entry.epoch.toFixed(2)}, update ${entry.step} of ${entry.steps}: ${figures(entry, seen, true)}`,
      );
    },
  };
}

function figures(entry: TrainLogEntry, held: Evaluation | undefined, time: boolean): string {
  const parts = [
    `loss ${digits(entry.loss)}`,
    ...(held ? [`held-out ${score(held)}`] : []),
    `${entry.samplesPerSecond.toFixed(0)} samples/s`,
    ...(time && entry.secondsLeft > 0.5 ? [`${duration(entry.secondsLeft)} left`] : []),
  ];
  return parts.join(", ");
}

const score = ({ metric, loss }: Evaluation) =>
  metric ? `${metric.name} ${digits(metric.value)}` : `loss ${digits(loss)}`;
const digits = (value: number) => Number(value.toPrecision(4)).toString();
const duration = (seconds: number) =>
  seconds < 90
    ? `${seconds.toFixed(0)} s`
    : seconds < 5400
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

function described({ training, before, best, stopped, skipped, log }: FinetuneResult): string {
  const drawn = printCurve(training.points.map(({ step, loss }) => ({ x: step, y: loss ?? Number.NaN })));
  const last = log.at(-1)?.held;
  const after = best?.held ?? last;
  const lines = [
    ...(drawn === "" ? [] : [pc.dim("training loss, first to last update"), drawn]),
    `${training.steps} updates on ${training.samples} samples in ${duration(training.seconds)}${stopped === "patience" ? "; stopped: nothing better was found" : ""}${skipped > 0 ? `; ${skipped} skipped for an overflow` : ""}`,
    ...(before && after
      ? [
          `held out (${before.samples} samples): ${score(before)} before, ${pc.bold(score(after))} after${best ? ` (update ${best.step})` : ""}`,
        ]
      : []),
  ];
  return lines.join("\n");
}

const asJson = ({ training, before, best, stopped, skipped, notes }: FinetuneResult) => ({
  before: before ?? null,
  best: best ?? null,
  stopped,
  skipped,
  training,
  notes,
});
