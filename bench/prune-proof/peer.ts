// The same weights, ratio and score in Torch-Pruning: which channels belong together, how many can go, and what the accuracy
// is before any fine-tuning.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load, prune } from "../../src/index.js";
import { groupChannels } from "../../src/prune/group/group-channels.js";
import { withServices } from "../../src/services.js";
import { SampleWriter } from "../train/data.js";
import type { Cell, Conditions } from "./cell.js";
import { right } from "./right.js";
import { type Subject, subjects } from "./subjects.js";

export interface PeerRow {
  readonly kind: "peer";
  readonly model: string;
  readonly scope: "global" | "uniform";
  readonly ratio: number;
  readonly before: string;
  readonly ours: Side;
  readonly theirs: (Side & { readonly version: string }) | { readonly version: string; readonly failed: string };
}

interface Side {
  /** Units of each group, those that may go; ascending. */
  readonly groups: readonly number[];
  readonly removed: number;
  /** Share of the multiply-accumulates that is left. */
  readonly macs: number;
  readonly after: string;
}

const RATIOS = [0.25, 0.5];
/** What pare says of groups that the option names. */
const KEPT = "the option keep names it";
const script = fileURLToPath(new URL("./torch_pruning_side.py", import.meta.url));

/** Makers of the channels that residual sums carry: all weights whose channels the shortcuts hold. */
const CARRIED = ["conv1.weight", "layer*.conv2.weight"];

const cell = (subject: Subject, scope: PeerRow["scope"], ratio: number, kept: readonly string[]): Cell => ({
  case: `peer-${subject.name}`,
  name: `peer-${subject.name}-${kept.length > 0 ? "inner-" : ""}${scope}-${100 * ratio}`,
  run: (conditions) => row(subject, scope, ratio, kept, conditions),
});

export const peer = (): Cell[] => [
  // Its shortcuts pad channels, which the peer does not follow: once with all that may go, then with inner channels only.
  cell(subjects.resnet20, "global", 0.25, []),
  ...(
    [
      [subjects.resnet20, CARRIED],
      [subjects.resnet56, CARRIED],
      [subjects.squeezenet, []],
    ] as const
  ).flatMap(([subject, kept]) =>
    (["global", "uniform"] as const).flatMap((scope) => RATIOS.map((ratio) => cell(subject, scope, ratio, kept))),
  ),
];

interface Answer {
  readonly version: string;
  readonly failed?: string;
  readonly groups: readonly number[];
  readonly before: string;
  readonly after: string;
  readonly macs: number;
  readonly macsAfter: number;
  readonly removed: number;
}

async function row(
  subject: Subject,
  scope: "global" | "uniform",
  ratio: number,
  kept: readonly string[],
  { threads, work }: Conditions,
): Promise<PeerRow> {
  const python = process.env.PARE_BENCH_PYTHON;
  if (python === undefined) throw new Error("PARE_BENCH_PYTHON names no Python with torch and torch-pruning");
  const model = await load(subject.path);
  const data = join(work, `peer-${subject.name}`);
  await write(data, subject);
  // Counts as they come, and statistics as they were: as the peer has it.
  const settings = { structure: "channel", score: "l2", reduction: "mean", normalise: "mean" } as const;
  const cut = await prune(
    model,
    { ...settings, scope, ratio, roundTo: 1, batchNormSamples: 0, keep: [...kept] },
    {
      data: subject.data,
      threads,
    },
  );
  const named = new Set((cut.groups ?? []).flatMap(({ group, reason }) => (reason === KEPT ? [group] : [])));
  const free = await withServices(model, { data: subject.data, threads }, async (services) => {
    const { groups } = await groupChannels(model, services);
    return groups.flatMap(({ name, obstacle, units }) => (obstacle === undefined && !named.has(name) ? [units] : []));
  });
  const request = { model: subject.path, data, ratio, scope, kept, threads, packages: process.env.PARE_BENCH_PACKAGES };
  const output = execFileSync(python, [script, JSON.stringify(request)], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const answer = JSON.parse(output.trim().split("\n").at(-1)!) as Answer;
  const { version, failed } = answer;
  return {
    kind: "peer",
    model: kept.length > 0 ? `${subject.title}, channels inside blocks only` : subject.title,
    scope,
    ratio,
    before: await right(model, subject.data, threads),
    ours: {
      groups: free.sort((a, b) => a - b),
      removed: (cut.groups ?? []).reduce((sum, { units }) => sum + units.before - units.after, 0),
      macs: cut.macs!.after / cut.macs!.before,
      after: await right(cut.model, subject.data, threads),
    },
    theirs:
      failed === undefined
        ? {
            version,
            groups: answer.groups,
            removed: answer.removed,
            macs: answer.macsAfter / answer.macs,
            after: answer.after,
          }
        : { version, failed },
  };
}

/** The samples that both sides are scored on. */
async function write(folder: string, subject: Subject): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const writer = new SampleWriter(folder);
  const model = await load(subject.path);
  await withServices(model, { data: subject.data }, async ({ data }) => {
    for await (const { feeds, label } of data.split("measure").samples()) {
      writer.add(feeds as Parameters<SampleWriter["add"]>[0], label as number);
    }
  });
  writer.finish();
}
