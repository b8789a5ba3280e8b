// The flow of every command that makes a model: load, apply the steps, verify, save whole or not at all.

import { type Command, Option } from "commander";
import pc from "picocolors";
import {
  type CompressResult,
  compress,
  fixDims,
  invalid,
  load,
  type Model,
  measure,
  type Note,
  type Recipe,
  type Report,
  reportForm,
  type ServiceOptions,
  save,
  saveVerified,
  type Verification,
  writeReport,
} from "../index.js";
import { fileSize } from "./format.js";
import { type CommonFlags, commonFlags, defaultOutput, type Session } from "./shared.js";

export interface MakeFlags extends CommonFlags {
  readonly out?: string;
  readonly dryRun?: boolean;
  /** undefined: on the engine; true: and the invariants after each step; false: not at all. */
  readonly verify?: boolean;
  readonly external?: boolean;
  readonly fixDims?: boolean;
  readonly report?: string;
}

/** `result`: what the default name of the output ends in. */
export function makeFlags(command: Command, result = "pared"): Command {
  return commonFlags(
    command
      .option("-o, --out <path>", `where to write (default: <model>.${result}.onnx beside the input)`)
      .option("--dry-run", "say what would be done, write nothing")
      .addOption(new Option("--verify", "also check the graph's invariants after every step"))
      .addOption(new Option("--no-verify", "do not run the result against the original"))
      .option("--calibration <file>", "JSON with ranges of activations: used where it is there, else written")
      .option("--external", "weights in <out>.data, also below 2 GiB")
      .option("--fix-dims", "write the sizes of --dim and --shape into the file")
      .option("--report <file>", "write a report: .html, .md or .json"),
  );
}

/** What the notes may say that leaves nothing to write: their code, and what to do instead. */
export interface Refusal {
  readonly code: string;
  readonly hint: string;
}

/** What a command says of a result beside its size: lines for the terminal, keys of the JSON, parts of the report. */
export interface Findings {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly report: Pick<Partial<Report>, "tables" | "explained" | "training">;
}

/** How a command makes its result, where that is not the recipe alone, and what it finds out about it. */
export interface Making {
  readonly refusal?: Refusal;
  readonly produce?: (model: Model, recipe: Recipe | string, options: ServiceOptions) => Promise<CompressResult>;
  readonly examine?: (made: CompressResult, options: ServiceOptions) => Promise<Findings>;
}

export async function make(
  input: string,
  recipe: Recipe | string,
  flags: MakeFlags,
  session: Session,
  { refusal, produce = compress, examine }: Making = {},
): Promise<void> {
  const { terminal, options } = session;
  const out = flags.out ?? defaultOutput(input);
  if (flags.report !== undefined) reportForm(flags.report);
  const original = await load(input, options);
  const start = flags.fixDims ? fixDims(original, options) : original;
  // Once the sizes stand in the file there are no symbols left to bind.
  const dims = flags.fixDims ? {} : options.dims;
  const made = await produce(start, recipe, { ...options, dims, verify: flags.verify === true } as ServiceOptions);
  const { model, steps, notes } = made;
  const reason = notes.find(({ code }) => code === refusal?.code);
  terminal.notes(
    notes.filter((note) => note !== reason),
    flags.verbose === true,
  );
  if (refusal && reason) throw invalid(refusal.code, `${reason.text} Nothing was written.`, { hint: refusal.hint });
  const findings = await examine?.(made, { ...options, dims });
  if (findings) terminal.print(`${findings.text}\n`);
  if (flags.dryRun) {
    terminal.json({ input, recipe: steps.map((step) => step.method), notes, written: null, ...findings?.json });
    terminal.print("Nothing was written (--dry-run).");
    return;
  }
  const { saved, verification } = await saveChecked(original, model, out, flags, session);
  const before = original.origin?.bytes ?? 0;
  terminal.json({
    input,
    output: saved.path,
    bytes: { before, after: saved.bytes },
    files: saved.files,
    verification,
    steps,
    ...findings?.json,
  });
  terminal.print(
    `${pc.bold(saved.path)}  ${fileSize(before)} -> ${pc.green(fileSize(saved.bytes))} (${ratio(before, saved.bytes)})`,
  );
  if (verification) {
    terminal.notes(verification.notes, flags.verbose === true);
    terminal.print(describeVerification(verification));
  }
  if (flags.report !== undefined) await report(original, out, flags.report, { notes, ...findings?.report }, session);
}

/** Saves, and unless --no-verify was said runs the result against the original first. */
export async function saveChecked(original: Model, model: Model, out: string, flags: MakeFlags, { options }: Session) {
  const given = { ...options, ...(flags.external ? { external: true } : {}) };
  if (flags.verify === false) return { saved: await save(model, out, given), verification: undefined };
  return saveVerified(original, model, out, given);
}

/** Measures the result beside the original, and writes what was found with the notes of the making. */
export async function report(
  original: Model,
  out: string,
  path: string,
  { notes: more, ...extra }: { readonly notes: readonly Note[] } & Findings["report"],
  { terminal, options }: Session,
): Promise<void> {
  const measured = await measure([original, await load(out)], options);
  await writeReport({ ...measured, notes: [...(measured.notes ?? []), ...more], ...extra }, path);
  terminal.say(`report: ${path}`);
}

const ratio = (before: number, after: number) => (after === 0 ? "-" : `${(before / after).toFixed(2)}x smaller`);

export function describeVerification({ verified, data, samples, outputs, reason }: Verification): string {
  if (verified === "no") return pc.yellow(`not verified: ${reason ?? "unknown reason"}`);
  const how = `verified (${verified}) on ${samples} ${data.synthetic ? "synthetic inputs" : `samples of ${data.name}`}`;
  const worst = outputs.toSorted((a, b) => a.sqnrDb - b.sqnrDb)[0];
  if (!worst) return `${how}: no tensor outputs to compare`;
  return `${how}: worst output ${worst.name}, cosine ${worst.cosine.toFixed(6)}, SQNR ${decibels(worst.sqnrDb)}`;
}

const decibels = (value: number) => (value === Number.POSITIVE_INFINITY ? "exact" : `${value.toFixed(1)} dB`);
