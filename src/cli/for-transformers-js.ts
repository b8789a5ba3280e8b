// pare <folder> --for transformers.js: the folder in every dtype, a table of what was written and how near it is.

import { Option } from "commander";
import pc from "picocolors";
import { exportForTransformersJs, HUB_DTYPES, invalid, type Note, type TransformersJsFile } from "../index.js";
import { ExitCode, exitWith } from "./exit.js";
import { fileSize } from "./format.js";
import type { MakeFlags } from "./make.js";
import type { Session } from "./shared.js";
import { columns } from "./table.js";

export interface ForFlags extends MakeFlags {
  readonly for?: string;
  readonly dtypes?: readonly string[];
  readonly force?: boolean;
}

export const forOptions = (): readonly Option[] => [
  new Option("--for <runtime>", "of a model folder: write what this runtime loads by dtype").choices([
    "transformers.js",
  ]),
  new Option("--dtypes <list...>", "with --for: these only (default: all)").choices(HUB_DTYPES.map(({ name }) => name)),
];

/** `<folder>.pared` unless told otherwise. */
export async function forTransformersJs(folder: string, flags: ForFlags, session: Session): Promise<void> {
  const { terminal, options } = session;
  const other = (["dryRun", "fixDims", "report", "force"] as const).find((flag) => flags[flag] !== undefined);
  if (other !== undefined) {
    const flag = `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw invalid("usage-for", `${flag} has no part in --for: every dtype is written, whatever its quality.`, {
      hint: "Leave it out; `pare measure` compares files that were written.",
    });
  }
  const from = folder.replace(/[/\\]+$/, "");
  const result = await exportForTransformersJs(from, flags.out ?? `${from}.pared`, {
    ...options,
    dtypes: flags.dtypes,
    external: flags.external,
    verify: flags.verify !== false,
  });
  terminal.json(result);
  terminal.notes(byText(result.files), flags.verbose === true);
  terminal.notes(result.notes, flags.verbose === true);
  terminal.print(table(result.files));
  terminal.print(`\n${pc.bold(result.folder)}  with config.json and ${result.copied.length} other files of the model`);
  const skipped = result.files.filter(({ saved }) => saved === undefined);
  if (skipped.length === 0) return;
  terminal.say(pc.yellow(`${skipped.length} of ${result.files.length} files could not be written.`));
  exitWith(ExitCode.failed);
}

/** Each warning once, with the dtypes that it holds for: most are about all dtypes of a kind. */
function byText(files: readonly TransformersJsFile[]): Note[] {
  const found = new Map<string, { note: Note; dtypes: Set<string> }>();
  for (const { dtype, notes } of files) {
    for (const note of notes) {
      const key = `${note.level} ${note.code} ${note.text}`;
      const known = found.get(key) ?? { note, dtypes: new Set() };
      known.dtypes.add(dtype);
      found.set(key, known);
    }
  }
  return [...found.values()].map(({ note, dtypes }) => ({ ...note, text: `${[...dtypes].join(", ")}: ${note.text}` }));
}

function table(files: readonly TransformersJsFile[]): string {
  const whole = new Map(
    files.flatMap(({ model, dtype, saved }) => (dtype === "fp32" && saved ? [[model, saved.bytes]] : [])),
  );
  const rows = files.map(({ model, dtype, saved, skipped, verification }) => {
    const suffix = HUB_DTYPES.find(({ name }) => name === dtype)?.suffix;
    const name = [dtype, `${model}${suffix}.onnx`];
    if (saved === undefined) return [...name, "-", "-", "-", "-", pc.yellow(`not written: ${skipped}`)];
    const before = whole.get(model);
    const smaller = before === undefined || saved.bytes === 0 ? "-" : `${(before / saved.bytes).toFixed(2)}x`;
    return [...name, fileSize(saved.bytes), smaller, ...fidelity(verification), proof(dtype, verification)];
  });
  return columns(["dtype", "file", "size", "smaller", "cosine", "agreement", "verified"], rows);
}

/** The worst output's. */
function fidelity(verification: TransformersJsFile["verification"]): readonly [string, string] {
  const outputs = verification?.outputs ?? [];
  const agreements = outputs.flatMap(({ agreement }) => agreement ?? []);
  return [
    outputs.length === 0 ? "-" : Math.min(...outputs.map(({ cosine }) => cosine)).toFixed(4),
    agreements.length === 0 ? "-" : `${(100 * Math.min(...agreements)).toFixed(0)}%`,
  ];
}

function proof(dtype: string, verification: TransformersJsFile["verification"]): string {
  if (verification === undefined) return dtype === "fp32" ? "the original's weights" : "no (--no-verify)";
  if (verification.verified === "no") return pc.yellow(`no: ${verification.reason ?? "unknown reason"}`);
  const { samples, data } = verification;
  return `${verification.verified === "full" ? "" : "in segments, "}${samples} ${data.synthetic ? "synthetic inputs" : "samples"}`;
}
