// How long it takes to find the groups of coupled channels and to cut half of them, and what groups there are.
// Writes bench/results/prune-groups.json and .md.
//   npx tsx bench/prune-groups.ts [--rounds 5]
// Generated models of 500 nodes; those of the portfolio where it is there.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { EngineServices } from "../src/engine/session.js";
import type { Model } from "../src/ir/model.js";
import { load } from "../src/load.js";
import { cutChannels } from "../src/prune/cut/cut-channels.js";
import { groupChannels } from "../src/prune/group/group-channels.js";
import { withServices } from "../src/services.js";
import { portfolioModels } from "../tests/support/portfolio.js";
import { drawnRemoval } from "../tests/support/pruning/proof.js";
import { repository } from "./measured.js";
import { encoderOf, residualOf } from "./prune-groups/models.js";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(values.rounds);

interface Row {
  readonly model: string;
  readonly nodes: number;
  readonly groups: number;
  readonly units: number;
  readonly kept: number;
  /** Milliseconds of wall time, and of processor time of the process; of the fastest round. */
  readonly group: Time;
  readonly cut: Time;
  /** Cutting without the run that proves the shapes. */
  readonly unchecked: Time;
}

interface Time {
  readonly wall: number;
  readonly processor: number;
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; time: Time }> {
  const times: Time[] = [];
  let result: T;
  let round = 0;
  do {
    const [wall, processor] = [performance.now(), process.cpuUsage()];
    result = await work();
    const { user, system } = process.cpuUsage(processor);
    times.push({ wall: performance.now() - wall, processor: (user + system) / 1000 });
  } while (++round < rounds);
  return {
    result,
    time: {
      wall: Math.min(...times.map(({ wall }) => wall)),
      processor: Math.min(...times.map(({ processor }) => processor)),
    },
  };
}

async function row(name: string, model: Model, services: EngineServices): Promise<Row> {
  const { result: grouping, time: group } = await timed(() => groupChannels(model, services));
  const removal = drawnRemoval(grouping, 0.5, 1);
  const { time: cut } = await timed(() => cutChannels(grouping, removal, services));
  const { time: unchecked } = await timed(() => cutChannels(grouping, removal, services, { check: false }));
  const free = grouping.groups.filter(({ obstacle }) => obstacle === undefined);
  return {
    model: name,
    nodes: grouping.model.graph.nodes.length,
    groups: free.length,
    units: free.reduce((all, { units }) => all + units, 0),
    kept: grouping.groups.length - free.length,
    group,
    cut,
    unchecked,
  };
}

const generated = [
  ["residual network, 125 blocks", residualOf(125)],
  ["encoder, 16 layers", encoderOf(16)],
] as const;
const real = portfolioModels().map((path) => {
  const name = basename(path, ".onnx");
  return [name === "model" ? basename(dirname(path)) : name, path] as const;
});
const rows: Row[] = [];
for (const [name, given] of [...generated, ...real]) {
  const model = typeof given === "string" ? await load(given) : given;
  rows.push(await withServices(model, { threads: 1 }, (services) => row(name, model, services)));
  process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
}

const ms = ({ wall, processor }: Time) => `${Math.round(wall)} (${Math.round(processor)})`;
const slowest = Math.max(
  ...rows.filter(({ nodes }) => nodes >= 450).map(({ group, cut }) => group.processor + cut.processor),
);
const text = [
  `Milliseconds, fastest of ${rounds} rounds, in brackets processor time; one thread. Half of the units of every group are cut.`,
  "",
  "| model | nodes | groups that may go | units in them | groups that stay | grouping | cutting, checked | cutting alone |",
  "|---|---|---|---|---|---|---|---|",
  ...rows.map(
    (one) =>
      `| ${[one.model, one.nodes, one.groups, one.units, one.kept, ms(one.group), ms(one.cut), ms(one.unchecked)].join(" | ")} |`,
  ),
  "",
  `- ${slowest < 1000 ? "met" : "**not met**"}: grouping and cutting models of about 500 nodes takes at most ${(slowest / 1000).toFixed(2)} s of processor time, under 1`,
  "",
].join("\n");
mkdirSync(join(repository, "bench/results"), { recursive: true });
writeFileSync(
  join(repository, "bench/results/prune-groups.json"),
  `${JSON.stringify({ rounds, rows }, undefined, 1)}\n`,
);
writeFileSync(join(repository, "bench/results/prune-groups.md"), text);
process.stdout.write(text);
