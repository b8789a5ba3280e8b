// Number formats against accuracy on real trained models with labelled data: bytes, transfer, score (paired with float32 on
// the same samples) and latency, beside ONNX Runtime's own converters. Writes bench/results/formats.json, the tables of
// docs/formats.md and the plot docs/images/formats.svg.
//   npx tsx bench/formats.ts [--models squeezenet1.1,stories260k] [--formats int4,nf4] [--missing] [--limit 400] [--no-peers]
//   npx tsx bench/formats.ts --tables          only the tables and the plot, from the figures that are there

import { mkdirSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { weightBytes } from "../src/engine/weight-bytes.js";
import { compress, describeError, load, type Model, type ModelReport, measure } from "../src/index.js";
import { portfolioModels } from "../tests/support/portfolio.js";
import { keyOf, portfolioData } from "../tests/support/portfolio-data.js";
import { writeFormatsPage } from "./formats/page.js";
import {
  type FormatRow,
  type ModelResult,
  type PairRow,
  readFormats,
  type Score,
  type Side,
  writeFormats,
} from "./formats/results.js";
import { type Pair, pairs, type Variant, variants } from "./formats/variants.js";
import { measured, repository } from "./measured.js";
import { peers } from "./peers.js";

const { values } = parseArgs({
  options: {
    models: { type: "string" },
    formats: { type: "string" },
    missing: { type: "boolean", default: false },
    limit: { type: "string", default: "400" },
    tables: { type: "boolean", default: false },
    peers: { type: "boolean", default: true },
  },
  allowNegative: true,
});
/** Documents of a language model are many samples each. */
const DOCUMENTS = 24;
/** Models that are scored at once: each keeps a session. */
const TOGETHER = 12;
const LATENCY_MS = 300;

const among = (list: string | undefined) => (name: string) => list === undefined || list.split(",").includes(name);
const formatsWanted = values.formats?.split(";");
const wantedVariant = ({ label }: Variant) => formatsWanted === undefined || formatsWanted.includes(label);
const before = readFormats();
const results = new Map<string, ModelResult>((before?.models ?? []).map((result) => [result.model, result]));
const python = values.peers && !values.tables ? peers(join(repository, "bench/.venv")) : undefined;
const work = join(repository, "bench/.work/formats");
mkdirSync(work, { recursive: true });

if (!values.tables) {
  const began = Date.now();
  for (const path of portfolioModels()) if (among(values.models)(keyOf(path))) await measureModel(path);
  say(`done in ${((Date.now() - began) / 60000).toFixed(1)} min`);
}
rmSync(work, { recursive: true });
writeFormatsPage();

async function measureModel(path: string): Promise<void> {
  const name = keyOf(path);
  const data = portfolioData(path);
  if (data === undefined) return;
  const limit = data.reader === "language" ? DOCUMENTS : Number(values.limit);
  const options = { data, limit, seed: 0 };
  const original = await load(path);
  say(`${name}: float32`);
  const report = await measure([original], { ...options, metrics: ["size", "transfer", "parameters", "accuracy"] });
  const own = report.models[0]!;
  if (!own.accuracy) return say(`${name} has no labels: left out`);
  const known = results.get(name);
  const rows = new Map((known?.rows ?? []).map((row) => [row.label, row]));
  const compared = new Map((known?.pairs ?? []).map((row) => [row.label, row]));
  const keep = () => {
    results.set(name, {
      model: name,
      metric: own.accuracy!.metric,
      better: own.accuracy!.better ?? "higher",
      data: report.data.name,
      samples: own.accuracy!.samples,
      parameters: own.parameters!,
      bytes: own.bytes,
      brotli: own.transfer.brotli,
      value: own.accuracy!.value,
      rows: variants.flatMap(({ label }) => rows.get(label) ?? []),
      pairs: pairs.flatMap(({ label }) => compared.get(label) ?? []),
    });
    const runtime = report.machine.runtime;
    const machine = { cpu: cpus()[0]?.model ?? "unknown", node: process.version, runtime };
    const versions = python?.versions ?? before?.machine.peers ?? "not run";
    writeFormats({ machine: { ...machine, peers: versions }, models: [...results.values()] });
  };

  const left = variants.filter(
    (variant) => wantedVariant(variant) && !(values.missing && rows.get(variant.label)?.score),
  );
  for (let at = 0; at < left.length; at += TOGETHER) {
    const made: { readonly variant: Variant; readonly model: Model }[] = [];
    for (const variant of left.slice(at, at + TOGETHER)) {
      const { label, family, ladder } = variant;
      const model = await compress(original, variant.recipe, { data, target: variant.target }).then(
        (found) => found.model,
        (error: unknown) => {
          rows.set(label, { label, family, ...(ladder && { ladder }), refused: firstLine(error) });
          say(`${name}: ${label}: ${firstLine(error)}`);
        },
      );
      if (model && model !== original) made.push({ variant, model });
    }
    if (made.length === 0) continue;
    say(`${name}: ${made.map(({ variant }) => variant.label).join(", ")}`);
    const models = [original, ...made.map(({ model }) => model)];
    const scored = await measure(models, { ...options, metrics: ["size", "transfer", "fidelity", "accuracy"] });
    for (const [index, { variant, model }] of made.entries()) {
      const row = scored.models[index + 1]!;
      rows.set(variant.label, await rowOf(variant, row, model));
    }
    keep();
  }

  if (python && formatsWanted === undefined) {
    for (const pair of pairs) {
      if (values.missing && compared.has(pair.label)) continue;
      say(`${name}: ${pair.label}, beside ${pair.what}`);
      compared.set(pair.label, await comparison(pair));
      keep();
    }
  }

  async function rowOf({ label, family, ladder }: Variant, row: ModelReport, model: Model): Promise<FormatRow> {
    const latency = await timed(model);
    return {
      label,
      family,
      ...(ladder && { ladder }),
      bytes: row.bytes,
      brotli: row.transfer.brotli,
      bits: (8 * weightBytes(model.graph)) / own.parameters!,
      score: scoreOf(row),
      ...(latency && { latency }),
    };
  }

  /** In turn with float32 alone, so that no other session's weights push its own out of the caches. */
  async function timed(model: Model): Promise<FormatRow["latency"]> {
    const { models } = await measure([original, model], {
      ...options,
      metrics: ["latency"],
      latencyBudgetMs: LATENCY_MS,
    });
    const { latencyRatio: ratio, latencyRatioQuartiles: quartiles } = models[1]!;
    return ratio === null || !quartiles ? undefined : { ratio, ...quartiles };
  }

  async function comparison({ label, ours, target, peer, what }: Pair): Promise<PairRow> {
    const target_ = join(work, "peer.onnx");
    const row = { label, peer: what };
    try {
      await measured(python!.python, python!.arguments(peer, path, target_, false));
      const theirs = await load(target_);
      if (weightBytes(theirs.graph) > 0.98 * weightBytes(original.graph)) {
        return { ...row, failed: "it finds nothing to quantize" };
      }
      const { model } = await compress(original, ours, { data, target });
      if (model === original) return { ...row, failed: "pare finds nothing to quantize" };
      const metrics = ["size", "fidelity", "accuracy"];
      const [, mine, other] = (await measure([original, model, theirs], { ...options, metrics })).models;
      const direct = (await measure([theirs, model], { ...options, metrics: ["accuracy"] })).models[1]!;
      const side = async (found: ModelReport, of: Model): Promise<Side> => {
        const latency = await timed(of);
        return { bytes: found.bytes, score: scoreOf(found), ...(latency && { latency: latency.ratio }) };
      };
      const difference = direct.accuracy?.difference;
      return {
        ...row,
        ours: await side(mine!, model),
        theirs: await side(other!, theirs),
        ...(difference && { difference: { value: difference.value, low: difference.low, high: difference.high } }),
      };
    } catch (error) {
      return { ...row, failed: firstLine(error) };
    } finally {
      for (const path of [target_, `${target_}.data`]) rmSync(path, { force: true });
    }
  }
}

function scoreOf({ accuracy, fidelity }: ModelReport): Score {
  const difference = accuracy?.difference;
  return {
    value: accuracy?.value ?? null,
    ...(difference && { difference: { value: difference.value, low: difference.low, high: difference.high } }),
    sqnrDb: fidelity?.sqnrDb ?? null,
  };
}

function firstLine(error: unknown): string {
  return describeError(error).split("\n")[0]!.slice(0, 200);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
