// The flow of pare prune: what went and why not more as tables, the plan as a file, and what became of time and accuracy.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import pc from "picocolors";
import {
  type CompressResult,
  compress,
  failed,
  type GroupRow,
  invalid,
  type Model,
  measure,
  type PruneResult,
  type PruneRow,
  type PruneSettings,
  prune,
} from "../index.js";
import { fileSize } from "./format.js";
import { type Findings, type MakeFlags, make } from "./make.js";
import { defaultOutput, type Session } from "./shared.js";
import { columns } from "./table.js";
import { type VocabularyFlags, vocabularyOf } from "./vocabulary.js";

export interface PruneFlags extends MakeFlags, VocabularyFlags {
  readonly layer?: Readonly<Record<string, number>>;
  readonly finetune?: true | Readonly<Record<string, unknown>>;
  readonly gradual?: true | Readonly<Record<string, unknown>>;
  readonly plan?: string;
  readonly savePlan?: string;
  readonly sparse?: boolean;
}

export async function pruneFile(
  input: string,
  given: Readonly<Record<string, unknown>>,
  flags: PruneFlags,
  session: Session,
): Promise<void> {
  const settings = settingsOf(given, flags);
  let original: Model | undefined;
  let pruned: PruneResult | undefined;
  const produce = async (model: Model, _: unknown, options: Session["options"]): Promise<CompressResult> => {
    original = model;
    pruned = await prune(model, settings, { ...options, verify: flags.verify === true });
    const steps = [{ method: "prune", notes: pruned.notes }];
    // Zeros are worth something only where they are stored as such; channels that were cut are gone.
    if (!pruned.zeros || flags.sparse === false) return { ...pruned, steps };
    const stored = await compress(pruned.model, [{ method: "quantize", weights: "float32", sparse: "auto" }], options);
    const notes = [...pruned.notes, ...stored.notes].filter(({ code }) => !SAID_HERE.has(code));
    return { ...stored, steps: [...steps, ...stored.steps], notes };
  };
  const examine = async (made: CompressResult, options: Session["options"]): Promise<Findings> => {
    const effect = flags.dryRun || flags.verify === false ? undefined : await effectOf(original!, made.model, options);
    return findings(pruned!, effect, flags);
  };
  await make(input, [], { ...flags, out: flags.out ?? defaultOutput(input, ".pruned.onnx") }, session, {
    produce,
    examine,
  });
  if (flags.savePlan === undefined || flags.dryRun) return;
  if (pruned!.plan === undefined) {
    throw invalid("plan-none", "There is no plan of zeros: a plan says which channels went.", {
      hint: "Take --structure channel, or leave --save-plan out.",
    });
  }
  write(flags.savePlan, `${JSON.stringify(pruned!.plan, null, 1)}\n`);
  session.terminal.say(`plan: ${flags.savePlan}`);
}

/** How zeros are stored is not for the user to see to here. */
const SAID_HERE = new Set(["nothing-quantized", "zeros-stored-dense"]);

/** A dry run says what would go of the weights as they are: training could take hours. */
function settingsOf(given: Readonly<Record<string, unknown>>, flags: PruneFlags): PruneSettings {
  const { layer, finetune, gradual, plan, dryRun } = flags;
  const layers = { ...(given.layers as object | undefined), ...layer };
  const training = {
    ...(finetune !== undefined && { finetune: finetune === true ? {} : finetune }),
    ...(gradual !== undefined && { gradual: gradual === true ? {} : gradual }),
  };
  const structure = vocabularyOf(flags);
  const { recovered, weights, earlier, induce, ...untrained } = given;
  return {
    ...(dryRun ? untrained : given),
    ...(structure !== undefined && { structure }),
    ...(Object.keys(layers).length > 0 && { layers }),
    ...(!dryRun && training),
    ...(plan !== undefined && { plan: readJson(plan) }),
  } as PruneSettings;
}

interface Effect {
  /** Of the file, and of what a server that compresses sends (brotli, else gzip). */
  readonly bytes: { readonly before: number; readonly after: number };
  readonly transfer: { readonly before: number; readonly after: number } | undefined;
  readonly ms: { readonly before: number; readonly after: number } | undefined;
  readonly ratio: number | undefined;
  readonly accuracy: { readonly metric: string; readonly before: number; readonly after: number } | undefined;
}

const LATENCY_BUDGET_MS = 400;

/** Bytes raw and compressed, time of the two in turn, and their accuracy where the data has labels. */
async function effectOf(original: Model, model: Model, options: Session["options"]): Promise<Effect> {
  const metrics = ["size", "transfer", "latency", ...(options.data === undefined ? [] : ["accuracy"])];
  const report = await measure([original, model], { ...options, metrics, latencyBudgetMs: LATENCY_BUDGET_MS });
  const [a, b] = report.models;
  const [sent, now] = [a, b].map((row) => row?.transfer.brotli ?? row?.transfer.gzip ?? undefined);
  return {
    bytes: { before: a!.bytes, after: b!.bytes },
    transfer: sent === undefined || now === undefined ? undefined : { before: sent, after: now },
    ms: a?.latencyMs && b?.latencyMs ? { before: a.latencyMs.median, after: b.latencyMs.median } : undefined,
    ratio: b?.latencyRatio ?? undefined,
    accuracy:
      a?.accuracy && b?.accuracy
        ? { metric: a.accuracy.metric, before: a.accuracy.value, after: b.accuracy.value }
        : undefined,
  };
}

/** Rows shown in the terminal unless all were asked for. */
const SHOWN = 16;

function findings(pruned: PruneResult, effect: Effect | undefined, flags: PruneFlags): Findings {
  const { table, groups, plan, macs, training } = pruned;
  const all = flags.dryRun === true || flags.verbose === true;
  const layers = layerTable(table);
  const coupled = groups && groupTable(groups);
  const shown = ({ columns: head, rows }: Shown) => {
    const few = all ? rows : rows.slice(0, SHOWN);
    const more = rows.length - few.length;
    const lines = columns(
      head,
      few.map((row) => row.map((cell) => shortened(String(cell ?? "-")))),
    );
    return more > 0 ? `${lines}\n${pc.dim(`and ${more} more (--verbose or --json lists them)`)}` : lines;
  };
  return {
    text: [
      ...(table.length > 0 ? [pc.bold("Layers"), shown(layers)] : []),
      ...(coupled ? ["", pc.bold("Groups of coupled channels, and why not more"), shown(coupled)] : []),
      "",
      total(table, macs),
      ...(effect ? effectLines(effect) : []),
    ].join("\n"),
    json: {
      table,
      groups: groups ?? null,
      plan: plan ?? null,
      macs: macs ?? null,
      effect: effect ?? null,
      training: training ?? null,
    },
    report: {
      tables: [
        { title: "What pruning left of each layer", ...layers },
        ...(coupled ? [{ title: "Groups of coupled channels, and why not more of them went", ...coupled }] : []),
      ],
      ...(training && { training }),
    },
  };
}

interface Shown {
  readonly columns: string[];
  readonly rows: (string | number | null)[][];
}

const layerTable = (table: readonly PruneRow[]): Shown => ({
  columns: ["layer", "weights", "left", "gone", "MACs", "MACs left", ""],
  rows: table.map(({ name, elements, macs, ratio, reason }) => [
    name,
    count(elements.before),
    count(elements.after),
    `${(100 * ratio).toFixed(0)} %`,
    macs ? count(macs.before) : null,
    macs ? count(macs.after) : null,
    reason ?? "",
  ]),
});

const groupTable = (groups: readonly GroupRow[]): Shown => ({
  columns: ["group", "kind", "channels", "left", "why not more", "node"],
  rows: groups.map(({ group, kind, units, reason, node }) => [
    group,
    kind,
    units.before,
    units.after,
    reason,
    node ?? null,
  ]),
});

function total(table: readonly PruneRow[], macs: PruneResult["macs"]): string {
  const sum = (side: "before" | "after") => table.reduce((all, { elements }) => all + elements[side], 0);
  const parts = [`weights ${change(sum("before"), sum("after"))}`];
  const counted = macs ?? summed(table);
  if (counted) parts.push(`MACs ${change(counted.before, counted.after)}`);
  return parts.join("; ");
}

function summed(table: readonly PruneRow[]) {
  const known = table.flatMap(({ macs }) => macs ?? []);
  if (known.length === 0) return undefined;
  const sum = (side: "before" | "after") => known.reduce((all, one) => all + one[side], 0);
  return { before: sum("before"), after: sum("after") };
}

function effectLines({ bytes, transfer, ms, ratio, accuracy }: Effect): string[] {
  const sizes = (of: { before: number; after: number }) => `${fileSize(of.before)} -> ${fileSize(of.after)}`;
  const lines = [`file ${sizes(bytes)}${transfer ? `; compressed ${sizes(transfer)}` : ""}`];
  if (ms && ratio !== undefined) {
    lines.push(
      `time ${ratio.toFixed(2)} of the original's, measured in turn (medians ${ms.before.toPrecision(3)} and ${ms.after.toPrecision(3)} ms a run)`,
    );
  }
  if (accuracy) lines.push(`${accuracy.metric} ${digits(accuracy.before)} -> ${pc.bold(digits(accuracy.after))}`);
  return lines;
}

const change = (before: number, after: number) =>
  `${count(before)} -> ${pc.green(count(after))} (${(100 * (1 - after / Math.max(1, before))).toFixed(1)} % gone)`;
const count = (value: number) => fileSize(value).replace(/B$/, "").trim();
const digits = (value: number) => Number(value.toPrecision(4)).toString();
const shortened = (text: string) => (text.length <= 60 ? text : `${text.slice(0, 28)}…${text.slice(-31)}`);

/** `epochs=3,lr=0.01`, JSON, or the name of a JSON file. */
export function nested(text: string): Readonly<Record<string, unknown>> {
  if (text.trim().startsWith("{")) return JSON.parse(text) as Record<string, unknown>;
  if (!text.includes("=") || existsSync(text)) return readJson(text) as Record<string, unknown>;
  return Object.fromEntries(
    text.split(",").map((part) => {
      const at = part.indexOf("=");
      if (at < 1)
        throw invalid("option-invalid", `"${part}" is not name=value, as in epochs=3,lr=0.01; write JSON for more.`);
      return [part.slice(0, at).trim(), plain(part.slice(at + 1).trim())];
    }),
  );
}

function plain(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `pattern=ratio`, repeatable. */
export function layerRatio(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const at = text.lastIndexOf("=");
  const ratio = Number(text.slice(at + 1));
  if (at < 1 || text.slice(at + 1).trim() === "" || !(ratio >= 0 && ratio <= 1)) {
    throw invalid("option-invalid", `"${text}" is not pattern=ratio, as in conv1*=0.3.`);
  }
  return { ...before, [text.slice(0, at)]: ratio };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw invalid("file-unreadable", `${path} cannot be read as JSON: ${text}`, { node: path, cause });
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw failed("plan-unwritable", `${path} cannot be written.`, { node: path, cause });
  }
}
