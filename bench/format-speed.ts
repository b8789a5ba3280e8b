// Speed and memory of quantizing for every number format: opened, quantized and written, in process, without verification.
//   npx tsx bench/format-speed.ts [--sizes 1,4] [--formats int8,int4] [--rounds 3]      after npm run build
// Method: bench/README.md. Writes bench/results/format-speed.json and format-speed.md.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formats, type NumberFormat } from "../src/quantize/formats/index.js";
import { storedOptions } from "./extract/asked.js";
import { benchModel } from "./make-models.js";
import { type Measured, measured, median, repository } from "./measured.js";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1" },
    formats: { type: "string" },
    rounds: { type: "string", default: "3" },
  },
});
const sizes = values.sizes.split(",").map(Number);
const rounds = Number(values.rounds);
const chosen = formats.list.filter(({ name }) => values.formats?.split(",").includes(name) ?? true);
if (![...sizes, rounds].every((value) => value > 0)) throw new Error("--sizes and --rounds take positive numbers");

/** GB/s on two cores, and bytes of resident memory whatever the model's size. */
const SPEED_BAR = 1;
const PEAK_BAR = 0.7e9;
/** What the speed bar is for; codebooks and searched ranges may be slower. */
const barred = ({ name, kind, scaling }: NumberFormat) =>
  (kind === "integer" && !name.endsWith("16")) ||
  name === "float16" ||
  (name.startsWith("float8") && scaling !== "none");

interface Row {
  readonly size: number;
  readonly bytes: number;
  readonly format: string;
  readonly seconds: number;
  readonly fastest: number;
  readonly slowest: number;
  readonly gbPerSecond: number;
  readonly peak: number;
  readonly failed?: string;
}

const work = join(repository, "bench/.work");
const convert = join(repository, "bench/convert.mjs");
const output = join(work, "output.onnx");
const file = join(repository, "bench/results/format-speed");
// The build that is measured must be there.
readFileSync(join(repository, "dist/node/index.js"));
mkdirSync(work, { recursive: true });
const rows: Row[] = [];
for (const size of sizes) await benchSize(size);

async function benchSize(size: number): Promise<void> {
  say(`making the model of ${size} GiB`);
  const model = await benchModel(work, size);
  // Every run finds the source in the page cache.
  await measured("bash", ["-c", `cat '${model.path}'* > /dev/null`]);
  const runs = new Map<string, Measured[]>();
  const failures = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const format of chosen) {
      if (failures.has(format.name)) continue;
      const found = await measured(process.execPath, [convert, model.path, options(format), output]).catch(
        (error: Error) => {
          failures.set(format.name, error.message.split("\n").slice(1, 3).join(" ").slice(0, 200));
          return undefined;
        },
      );
      clear();
      if (found) runs.set(format.name, [...(runs.get(format.name) ?? []), found]);
      say(`${size} GiB, ${format.name}: ${found ? `${found.seconds.toFixed(2)} s` : failures.get(format.name)}`);
    }
  }
  for (const { name: format } of chosen) {
    const own = runs.get(format) ?? [];
    const seconds = own.map((run) => run.seconds);
    const failed = failures.get(format);
    rows.push({
      size,
      bytes: model.bytes,
      format,
      seconds: own.length === 0 ? 0 : median(seconds),
      fastest: Math.min(...seconds),
      slowest: Math.max(...seconds),
      gbPerSecond: own.length === 0 ? 0 : model.bytes / 1e9 / median(seconds),
      peak: Math.max(0, ...own.map((run) => run.peak ?? 0)),
      ...(failed !== undefined && { failed }),
    });
  }
  write();
}

/** As self-extracting weights: what every format can be. */
function options(format: NumberFormat): string {
  return JSON.stringify(storedOptions(format));
}

function write(): void {
  mkdirSync(join(repository, "bench/results"), { recursive: true });
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${gib} GiB, node ${process.version.slice(1)}`;
  const short = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(5)) : value);
  writeFileSync(`${file}.json`, `${JSON.stringify({ machine, rounds, rows }, short, 1)}\n`);
  const text = [
    `${machine}; median of ${rounds} rounds`,
    "",
    "| GiB | format | seconds (fastest to slowest) | GB/s | peak MB |",
    "|---|---|---|---|---|",
    ...rows.map(line),
    "",
    "Bars:",
    "",
    ...sizes.flatMap(bars),
    "",
  ].join("\n");
  writeFileSync(`${file}.md`, text);
  console.log(text);
}

function line({ size, format, seconds, fastest, slowest, gbPerSecond, peak, failed }: Row): string {
  if (failed !== undefined) return `| ${size} | ${format} | failed: ${failed} |  |  |`;
  const time = `${seconds.toFixed(2)} (${fastest.toFixed(2)} to ${slowest.toFixed(2)})`;
  return `| ${size} | ${format} | ${time} | ${gbPerSecond.toFixed(2)} | ${Math.round(peak / 1e6)} |`;
}

/** Speed counts from 1 GiB on: below that, starting Node is most of it. */
function bars(size: number): string[] {
  const own = rows.filter((row) => row.size === size && row.failed === undefined);
  const slow = own.filter(({ format, gbPerSecond }) => barred(formats.get(format)) && gbPerSecond < SPEED_BAR);
  const large = own.filter(({ peak }) => peak >= PEAK_BAR);
  const list = (found: readonly Row[], of: (row: Row) => string) =>
    found.length === 0 ? "met" : `**not met** by ${found.map((row) => `${row.format} (${of(row)})`).join(", ")}`;
  const speed = list(slow, (row) => row.gbPerSecond.toFixed(2));
  const peak = list(large, (row) => `${Math.round(row.peak / 1e6)} MB`);
  return [
    ...(size >= 1
      ? [`- ${size} GiB, at least ${SPEED_BAR} GB/s for int2 to int8, uint2 to uint8, float16 and float8: ${speed}`]
      : []),
    `- ${size} GiB, peak memory under ${PEAK_BAR / 1e6} MB: ${peak}`,
  ];
}

function clear(): void {
  for (const path of [output, `${output}.data`]) rmSync(path, { force: true });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
