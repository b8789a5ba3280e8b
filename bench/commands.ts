// Speed and memory of whole commands, beside copying the file and beside ONNX Runtime's own converters in Python.
//   npm run bench -- --sizes 0.1,1,4 --rounds 5 --no-peers --no-verification
// Method and results: bench/README.md. Writes bench/results/commands.json and commands.md.

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchModel } from "./make-models.js";
import { type Measured, measured, median, repository } from "./measured.js";
import { type Peers, peers } from "./peers.js";
import { type Row, table } from "./table.js";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "0.1,1,4" },
    rounds: { type: "string", default: "5" },
    peers: { type: "boolean", default: true },
    verification: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const sizes = values.sizes.split(",").map(Number);
const rounds = Number(values.rounds);
if (![...sizes, rounds].every((value) => value > 0)) throw new Error("--sizes and --rounds take positive numbers");

const work = join(repository, "bench", ".work");
const cli = join(repository, "dist", "node", "cli.js");
const output = join(work, "output.onnx");

interface Task {
  readonly name: string;
  readonly arguments: (model: string) => string[];
  /** The peer's name for the same, and what it is called in the table. */
  readonly peer?: string;
  readonly verifies?: boolean;
}

const make =
  (...flags: string[]) =>
  (model: string) => [...flags.slice(0, 1), model, ...flags.slice(1), "-o", output];
const tasks: Task[] = [
  { name: "open + inspect", arguments: (model) => ["inspect", model, "--json"] },
  { name: "load + save", arguments: make("compress", "--recipe", "[]", "--no-verify") },
  { name: "fp16", arguments: make("quantize", "--weights", "float16"), peer: "fp16", verifies: true },
  {
    name: "int8 dynamic",
    arguments: make("quantize", "--weights", "int8", "--activations", "dynamic"),
    peer: "int8",
    verifies: true,
  },
  {
    name: "int4",
    arguments: make("quantize", "--weights", "int4", "--activations", "float", "--target", "node"),
    peer: "int4",
    verifies: true,
  },
];

const python = values.peers ? peers(join(repository, "bench", ".venv")) : undefined;
const rows: Row[] = [];
mkdirSync(work, { recursive: true });
for (const size of sizes) {
  say(`making the model of ${size} GiB`);
  const model = await benchModel(work, size);
  rows.push(...(await benchSize(size, model.path, model.bytes)));
}

const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory: totalmem(),
  node: process.version,
  peers: python?.versions ?? "not run",
};
const results = join(repository, "bench", "results");
mkdirSync(results, { recursive: true });
writeFileSync(join(results, "commands.json"), `${JSON.stringify({ machine, rounds, rows }, undefined, 2)}\n`);
const text = table(rows, machine, rounds);
writeFileSync(join(results, "commands.md"), text);
console.log(text);

/** Rounds of all tasks in turn, so that drift of the machine meets all alike; then the peers and the verified forms. */
async function benchSize(size: number, model: string, bytes: number): Promise<Row[]> {
  const runs = new Map<string, Measured[]>();
  const once = async (name: string, program: string, args: readonly string[]) => {
    say(`${size} GiB: ${name}`);
    clear();
    const found = await measured(program, args).catch((error: Error) => {
      say(`  failed: ${error.message}`);
      return undefined;
    });
    if (found) runs.set(name, [...(runs.get(name) ?? []), found]);
    if (found) say(`  ${found.seconds.toFixed(2)} s, ${Math.round((found.peak ?? 0) / 2 ** 20)} MiB`);
    clear();
  };
  await warm(model);
  for (let round = 0; round < rounds; round++) {
    await once("cp + sync", "bash", ["-c", copies(model)]);
    await once("open + inspect, in process", process.execPath, [join(repository, "bench", "open.mjs"), model]);
    for (const task of tasks) {
      const quick = task.verifies ? ["--no-verify"] : [];
      await once(task.name, process.execPath, [cli, ...task.arguments(model), ...quick]);
    }
  }
  for (const task of tasks) {
    if (task.verifies && values.verification) {
      await once(`${task.name}, verified`, process.execPath, [cli, ...task.arguments(model)]);
    }
    if (task.peer && python) await peer(python, task.peer, task.name);
  }
  async function peer({ python: program, arguments: args }: Peers, task: string, name: string) {
    // Some of the peers leave the weights inline and fail at protobuf's 2 GiB: they are told to write them beside.
    for (let round = 0; round < Math.min(rounds, size > 1 ? 1 : 3); round++) {
      await once(`${name}, Python`, program, args(task, model, output, bytes >= 2 ** 31));
    }
  }
  return [...runs].map(([name, found]) => ({
    size,
    bytes,
    name,
    seconds: median(found.map((run) => run.seconds)),
    fastest: Math.min(...found.map((run) => run.seconds)),
    slowest: Math.max(...found.map((run) => run.seconds)),
    peak: found[0]?.peak === undefined ? undefined : Math.max(...found.map((run) => run.peak ?? 0)),
    runs: found.length,
  }));
}

/** Both files, as one command: what any tool that writes the whole model must spend at the least. */
function copies(model: string): string {
  const quoted = (path: string) => `'${path.replaceAll("'", `'\\''`)}'`;
  const pairs = [[model, output] as const, [`${model}.data`, `${output}.data`] as const];
  return pairs
    .filter(([from]) => statSync(from, { throwIfNoEntry: false }) !== undefined)
    .map(([from, to]) => `cp --reflink=never ${quoted(from)} ${quoted(to)} && sync ${quoted(to)}`)
    .join(" && ");
}

/** Reads the source once, so that every run finds it in the page cache. */
async function warm(model: string): Promise<void> {
  await measured("bash", ["-c", `cat '${model}'* > /dev/null`]);
}

function clear(): void {
  for (const path of [output, `${output}.data`, `${output}_data`]) rmSync(path, { force: true });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

// The build that is measured must be there.
readFileSync(cli);
