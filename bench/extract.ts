// Proof that self-extracting weights cost nothing once they are loaded, and what loading them costs: latency against float
// in turn, load time and peak memory, for every number format and operator, on the CPU and on WASM.
//   npx tsx bench/extract.ts [--operators MatMul,Conv] [--formats int4,nf4] [--places cpu,wasm] [--missing] [--budget 1500]
//   npx tsx bench/extract.ts --tables          only the tables of docs/formats.md, from the figures that are there
// Method: bench/README.md. Writes bench/results/extract.json and the tables of docs/formats.md.

import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compress, describeError, type Model, save } from "../src/index.js";
import { type Asked, asked, float } from "./extract/asked.js";
import { loads, type Opened, opened, type Place } from "./extract/places.js";
import { type Subject, subjects } from "./extract/subjects.js";
import { type ExtractRow, keyOf, readExtract, writeExtract } from "./extract/table.js";
import { writeFormatsPage } from "./formats/page.js";
import { repository } from "./measured.js";

const { values } = parseArgs({
  options: {
    operators: { type: "string" },
    formats: { type: "string" },
    places: { type: "string", default: "cpu,wasm" },
    missing: { type: "boolean", default: false },
    budget: { type: "string", default: "1500" },
    loads: { type: "string", default: "3" },
    tables: { type: "boolean", default: false },
  },
});
/** Load time and memory are of the weight, whatever operator uses it: they are taken for one. */
const LOADED_FOR = "MatMul";
const timing = { budgetMs: Number(values.budget), rounds: [9, 100], loads: 1 } as const;

const among = (list: string | undefined) => (name: string) => list === undefined || list.split(",").includes(name);
const [operator, format] = [among(values.operators), among(values.formats)];
const places = values.places.split(",") as Place[];
// What is not measured this time keeps what was found before.
const rows = new Map(readExtract().map((row) => [keyOf(row), row]));
const work = join(repository, "bench/.work/extract");
mkdirSync(work, { recursive: true });

if (!values.tables) {
  const began = Date.now();
  for (const subject of subjects.filter(({ name }) => operator(name))) await prove(subject);
  say(`done in ${((Date.now() - began) / 60000).toFixed(1)} min`);
}
rmSync(work, { recursive: true });
writeFormatsPage();

async function prove(subject: Subject): Promise<void> {
  for (const sparsity of [...new Set(asked.map((each) => each.sparsity ?? 0))]) {
    const forms = [...(sparsity === 0 ? [float] : []), ...asked.filter((each) => (each.sparsity ?? 0) === sparsity)];
    const left = forms.filter(({ name }) => format(name) && places.some((place) => wanted(place, subject, name)));
    if (left.length > 0) await proveForms(subject, left, subject.make(sparsity));
  }
}

function wanted(place: Place, { name: operator }: Subject, format: string): boolean {
  return !values.missing || rows.get(keyOf({ place, operator, format }))?.ratio === undefined;
}

/** Each form of one float model, made once and timed in every place. */
async function proveForms(subject: Subject, forms: readonly Asked[], model: Model): Promise<void> {
  const floatPath = join(work, "float.onnx");
  const path = join(work, "form.onnx");
  await save(model, floatPath);
  const floatBytes = statSync(floatPath).size;
  const open = new Map<Place, Opened>();
  for (const { name: format, recipe } of forms) {
    say(`${subject.name} ${format}`);
    const made = await compress(model, recipe, {}).then(
      ({ model: result }) => save(result, path).then(() => undefined),
      (error: unknown) => describeError(error).split("\n")[0]!,
    );
    for (const place of places.filter((each) => wanted(each, subject, format))) {
      const row = { place, operator: subject.name, format, floatBytes };
      if (made !== undefined) add({ ...row, refused: made });
      else add({ ...row, bytes: statSync(path).size, ...(await timed(place)) });
    }
  }
  for (const each of open.values()) each.close();

  async function timed(place: Place): Promise<Partial<ExtractRow>> {
    try {
      const here = open.get(place) ?? (await opened(place, floatPath, subject.feeds, timing));
      open.set(place, here);
      const { ms, floatMs, ratio, low, high, rounds, output } = await here.form(path);
      const figures = { ms, floatMs, ratio, low, high, rounds, sqnrDb: sqnr(here.output, output) };
      if (subject.name !== LOADED_FOR) return figures;
      return { ...figures, load: await loads(place, floatPath, path, Number(values.loads)) };
    } catch (error) {
      // What failed may have left the place broken.
      open.get(place)?.close();
      open.delete(place);
      return { failed: describeError(error).split("\n")[0]!.slice(0, 200) };
    }
  }
}

/** 10 log10 of signal over error, decibels; null for equal outputs. */
function sqnr(reference: readonly number[], output: readonly number[]): number | null {
  let [signal, error] = [0, 0];
  for (const [at, value] of reference.entries()) {
    signal += value * value;
    error += (value - output[at]!) ** 2;
  }
  return error === 0 ? null : 10 * Math.log10(signal / error);
}

function add(row: ExtractRow): void {
  rows.set(keyOf(row), row);
  const { place, ratio, low, high, ms, load, refused, failed } = row;
  const digits = (value: number | undefined) => value?.toFixed(3);
  say(
    ratio === undefined
      ? `  ${place}: ${refused ?? failed}`
      : `  ${place}: ${digits(ratio)} [${digits(low)}, ${digits(high)}] of float, ${digits(ms)} ms${
          load ? `; load ${Math.round(load.form.loadMs)} ms (float ${Math.round(load.float.loadMs)})` : ""
        }`,
  );
  writeExtract([...rows.values()]);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
