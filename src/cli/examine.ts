// What `pare quantize` adds to a result: its layers explained, limits held, and exit code 3 where they cannot be.

import pc from "picocolors";
import {
  type CompressResult,
  compressWithin,
  describeLoss,
  type Explanation,
  explain,
  type PartExplanation,
  type WithinResult,
} from "../index.js";
import { ExitCode, exitWith } from "./exit.js";
import { fileSize } from "./format.js";
import type { Findings, Making } from "./make.js";
import type { Session } from "./shared.js";
import { columns } from "./table.js";

export interface ExamineFlags {
  readonly explain?: boolean;
  readonly maxDrop?: string;
  readonly maxSize?: number;
  readonly maxLatencyRatio?: number;
  readonly verbose?: boolean;
}

/** Nothing where no such flag was given: the recipe is applied, and that is all. */
export function examining(flags: ExamineFlags, { terminal }: Session): Pick<Making, "produce" | "examine"> {
  const { maxDrop, maxSize, maxLatencyRatio } = flags;
  const limited = maxDrop !== undefined || maxSize !== undefined || maxLatencyRatio !== undefined;
  if (!limited && !flags.explain) return {};
  let within: WithinResult | undefined;
  const produce: Making["produce"] = async (model, recipe, options) => {
    within = await compressWithin(model, recipe, { ...options, maxDrop, maxSize, maxLatencyRatio });
    return within;
  };
  const examine = async (made: CompressResult, options: Session["options"]): Promise<Findings> => {
    const explanation = flags.explain ? await explain(made, options) : undefined;
    if (explanation) terminal.notes(explanation.notes, flags.verbose === true);
    if (within && !within.met) exitWith(ExitCode.gate);
    const table = within && trialsTable(within);
    return {
      text: [explanation && describeExplanation(explanation), within && describeWithin(within)]
        .filter((part) => part !== undefined)
        .join("\n\n"),
      json: {
        ...(explanation && { explanation }),
        ...(within && { within: { ...withinJson(within) } }),
      },
      report: {
        ...(explanation && { explained: [...explanation.layers] }),
        ...(table && { tables: [{ title: "What was tried to hold the limits", ...table }] }),
      },
    };
  };
  return { ...(limited && { produce }), examine };
}

/** Layers shown in the terminal; all of them are in the JSON and the report. */
const SHOWN = 12;

function describeExplanation({ layers, outputDb, data, outputs }: Explanation): string {
  const told = layers.some(({ activations }) => activations !== null);
  const head = ["", "layer", "operator", "share", ...(told ? ["weights", "activations"] : ["alone"]), "without it"];
  const rows = layers.slice(0, SHOWN).map((row, at) => {
    const share = `${(100 * row.share).toFixed(1)} %`;
    const parts = [alone(row.weights ?? row.together), ...(told ? [alone(row.activations)] : [])];
    return [`${at + 1}`, shortened(row.layer), row.operator, share, ...parts, db(row.withoutDb)];
  });
  const reasons = layers.slice(0, EXPLAINED).flatMap(({ reason, suggestion, layer }, at) => {
    if (reason === "") return [];
    return [
      `${at + 1} ${pc.bold(shortened(layer))}: ${reason}.`,
      ...(suggestion === "" ? [] : [pc.dim(`  -> ${suggestion}`)]),
    ];
  });
  const left = layers.length - SHOWN;
  const rest = layers.slice(SHOWN).reduce((sum, { share }) => sum + share, 0);
  return [
    `${pc.bold("What each layer loses")}  outputs ${db(outputDb)} with everything rounded${outputs && Object.keys(outputs).length > 1 ? " (mean noise of the outputs)" : ""}; ${data.samples} ${data.synthetic ? "synthetic inputs" : `samples of ${data.name}`}`,
    pc.dim(
      "share: of the error that the layers make one by one; decibels: outputs with only this rounded, or all but it",
    ),
    columns(head, rows),
    ...reasons,
    ...(left > 0
      ? [pc.dim(`and ${left} more with ${(100 * rest).toFixed(1)} % of the error (--json lists them)`)]
      : []),
  ].join("\n");
}

/** Reasons are shown for the first few: further down they repeat themselves. */
const EXPLAINED = 5;

const alone = (part: PartExplanation | null): string => (part === null ? "-" : db(part.outputDb));
const db = (value: number | null): string => (value === null ? "exact" : `${value.toFixed(1)} dB`);
const shortened = (text: string) => (text.length <= 44 ? text : `${text.slice(0, 20)}…${text.slice(-23)}`);

function describeWithin(result: WithinResult): string {
  const { columns: head, rows } = trialsTable(result);
  const { reverted, heldOut, met, unmet, chosenOn } = result;
  const lines = [
    columns(
      head,
      rows.map((row) => row.map(String)),
    ),
  ];
  for (const { layers, to, bytes } of reverted) {
    lines.push(
      `${pc.bold(layers.join(" + "))} ${to === "float" ? "stays float" : `has ${to}`} (${fileSize(bytes)} in float)`,
    );
  }
  if (chosenOn) lines.push(pc.dim(`chosen on ${describeLoss(chosenOn)}`));
  lines.push(`held out ${describeLoss(heldOut)}`);
  lines.push(
    met
      ? pc.green("Every limit holds.")
      : pc.yellow(`Not met: ${unmet.join("; ")}. This is the best that was found (exit code ${ExitCode.gate}).`),
  );
  return lines.join("\n");
}

const trialsTable = ({ trials, bytes }: WithinResult) => ({
  columns: ["tried", "size", "loss", "time", ""],
  rows: trials.map((trial) => [
    trial.what,
    fileSize(trial.bytes),
    trial.loss ? describeLoss(trial.loss) : "-",
    trial.latencyRatio === null ? "-" : `${trial.latencyRatio.toFixed(2)}x`,
    trial.holds ? "holds" : trial.loss === undefined ? (trial.bytes > bytes ? "too large" : "too slow") : "-",
  ]),
});

const withinJson = ({
  recipe,
  met,
  unmet,
  bytes,
  chosenOn,
  heldOut,
  latencyRatio,
  reverted,
  trials,
}: WithinResult) => ({
  recipe,
  met,
  unmet,
  bytes,
  chosenOn,
  heldOut,
  latencyRatio,
  reverted,
  trials,
});
