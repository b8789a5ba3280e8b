// pare model.onnx: the best safe form for the target, with the proof beside it.

import type { Command } from "commander";
import pc from "picocolors";
import { type Attempt, fixDims, load, type PareResult, pare, reportForm } from "../../index.js";
import { ExitCode, exitWith } from "../exit.js";
import { type ForFlags, forOptions, forTransformersJs } from "../for-transformers-js.js";
import { fileSize } from "../format.js";
import { describeVerification, type MakeFlags, makeFlags, report, saveChecked } from "../make.js";
import { defaultOutput, type Session, withSession } from "../shared.js";
import { columns } from "../table.js";

type PareFlags = MakeFlags & ForFlags;

export function pareCommand(program: Command): void {
  const command = program
    .argument(
      "[model]",
      "an ONNX file or URL: writes the smallest form that is as good and not slower (with --for: a model folder)",
    )
    .option("--force", "if no form passes the gate, write the one nearest to the original");
  for (const option of forOptions()) command.addOption(option);
  makeFlags(command).action(async (input: string | undefined, flags: PareFlags) => {
    if (input === undefined) return program.help();
    if (flags.report !== undefined) reportForm(flags.report);
    const work = flags.for === undefined ? pareOne : forTransformersJs;
    await withSession(flags, (session) => work(input, flags, session));
  });
}

async function pareOne(input: string, flags: PareFlags, session: Session): Promise<void> {
  const { terminal, options } = session;
  const out = flags.out ?? defaultOutput(input);
  const original = await load(input, options);
  // Once the sizes stand in the file there are no symbols left to bind.
  const start = flags.fixDims ? fixDims(original, options) : original;
  const dims = flags.fixDims ? {} : options.dims;
  const result = await pare(start, { ...options, dims, checkInvariants: flags.verify === true });
  terminal.notes(result.notes, flags.verbose === true);
  terminal.print(describe(input, result));
  const chosen = result.chosen ?? (flags.force ? nearest(result.attempts) : undefined);
  if (!chosen) {
    terminal.json({ input, output: null, ...asJson(result) });
    terminal.say(
      pc.yellow("No form passed the gate: nothing was written. --force writes the nearest; --verbose says more."),
    );
    return exitWith(ExitCode.gate);
  }
  if (flags.dryRun) {
    terminal.json({ input, output: null, ...asJson(result) });
    return terminal.print("Nothing was written (--dry-run).");
  }
  const { saved, verification } = await saveChecked(original, chosen.model, out, flags, session);
  terminal.json({ input, output: saved.path, bytes: saved.bytes, files: saved.files, verification, ...asJson(result) });
  terminal.print(
    `\n${pc.bold(saved.path)}  ${fileSize(result.before.bytes)} -> ${pc.green(fileSize(saved.bytes))}, ${(result.before.bytes / saved.bytes).toFixed(2)} times smaller`,
  );
  if (verification) terminal.print(describeVerification(verification));
  for (const line of result.next) terminal.print(pc.dim(`try: ${line}`));
  if (flags.report !== undefined) {
    await report(original, out, flags.report, { notes: [...result.notes], tables: [attemptsTable(result)] }, session);
  }
}

/** For --force: of the forms that ran, the one whose outputs are nearest. */
const nearest = (attempts: readonly Attempt[]) =>
  attempts.filter(({ cosine }) => cosine !== null).toSorted((a, b) => b.cosine! - a.cosine!)[0];

function describe(input: string, result: PareResult): string {
  const { columns: head, rows } = attemptsTable(result);
  const coloured = rows.map((row) => (row.at(-1) === result.chosen?.reason ? row.map((cell) => pc.green(cell)) : row));
  const about = result.data.synthetic
    ? `${result.data.samples} synthetic inputs: numeric fidelity, not accuracy (give --data for that)`
    : `${result.data.samples} samples of ${result.data.name}`;
  return [`${pc.bold(input)}  ${fileSize(result.before.bytes)}; judged on ${about}`, columns(head, coloured)].join(
    "\n",
  );
}

function attemptsTable({ attempts, before }: PareResult) {
  const engines = enginesOf(attempts);
  return {
    title: "Forms that were tried",
    columns: ["form", "size", "smaller", ...engines.map((engine) => `time, ${engine}`), "quality", ""],
    rows: attempts.map((attempt) => [
      attempt.form,
      fileSize(attempt.bytes),
      times(before.bytes / attempt.bytes),
      ...engines.map((engine) => times(attempt.latency[engine])),
      attempt.quality.reason,
      attempt.reason,
    ]),
  };
}

const enginesOf = (attempts: readonly Attempt[]) => [
  ...new Set(attempts.flatMap(({ latency }) => Object.keys(latency))),
];
const times = (ratio: number | undefined) => (ratio === undefined ? "-" : `${ratio.toFixed(2)}x`);

const asJson = ({ attempts, chosen, before, data, next }: PareResult) => ({
  before,
  data,
  chosen: chosen?.form ?? null,
  recipe: chosen?.recipe ?? null,
  attempts: attempts.map(({ model: _model, ...rest }: Attempt) => rest),
  next,
});
