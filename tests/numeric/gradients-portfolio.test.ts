// Whole models: the gradient of every trainable weight of the portfolio against PyTorch's autograd on the same file
// (tests/fixtures/train/, made by make.py in float64). Ours are computed in float32 by ONNX Runtime.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withSession } from "../../src/engine/session.js";
import { tensorInfo } from "../../src/ir/build.js";
import type { Model, Node } from "../../src/ir/model.js";
import { tensor } from "../../src/tensor/tensor.js";
import type { Value } from "../../src/tensor/value.js";
import { backward } from "../../src/train/backward.js";
import { trainingForm } from "../../src/train/batch-norm.js";
import { Emitter } from "../../src/train/emitter.js";
import { prepare } from "../../src/train/prepare.js";
import type { Prepared } from "../../src/train/prepared.js";
import { type Drawn, drawn, drawnValue, mixed } from "../support/drawn.js";
import { engineServices, loadBytes } from "../support/engine.js";
import { portfolio } from "../support/portfolio.js";

interface Fixture {
  readonly model: string;
  /** BatchNormalization uses the statistics of the batch. */
  readonly training: boolean;
  readonly inputs: Readonly<Record<string, Drawn>>;
  readonly loss: number;
  readonly weights: Readonly<Record<string, Expected>>;
}

interface Expected {
  readonly dims: readonly number[];
  readonly norm: number;
  readonly max: number;
  /** Flat indices; default: those of `mixed(k, 1)`. */
  readonly at?: readonly number[];
  /** base64 of little-endian float32. */
  readonly entries: string;
}

const TOLERANCE = 1e-4;
const LOSS_SEED = 1000;
const folder = new URL("../fixtures/train/", import.meta.url).pathname;
const names = readdirSync(folder).flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -5)] : []));
const root = portfolio();

test.runIf(root).each(names)("%s: the gradient of every weight is PyTorch's", async (name) => {
  const fixture = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Fixture;
  const services = engineServices();
  const feeds: Record<string, Value> = {};
  for (const [input, described] of Object.entries(fixture.inputs)) feeds[input] = drawnValue(described);
  const model = await loadBytes(join(root!, "models", fixture.model));
  const prepared = await prepare(model, { feeds }, services);
  const { graph, loss, gradients } = differentiated(prepared, fixture.training);
  const given = Object.fromEntries(prepared.inputs.map((input) => [input, feeds[input]!]));
  const found = await withSession(graph, services, {}, (session) => session.run(given));

  expect(Math.abs((found[loss]!.data as Float32Array)[0]! - fixture.loss)).toBeLessThan(
    TOLERANCE * Math.max(1, Math.abs(fixture.loss)),
  );
  const sources = new Map(prepared.weights.map((weight) => [weight.source, weight]));
  const missing = Object.keys(fixture.weights).filter((source) => !gradients.has(sources.get(source)?.name ?? ""));
  expect(missing).toEqual([]);
  expect([...sources.keys()].filter((source) => !(source in fixture.weights))).toEqual([]);
  const largest = Math.max(...Object.values(fixture.weights).map(({ norm }) => norm));
  const wrong = Object.entries(fixture.weights).flatMap(([source, expected]) =>
    differences(source, found[gradients.get(sources.get(source)!.name)!]!, expected, largest),
  );
  expect(wrong).toEqual([]);
});

/** The model with its loss and the gradients of all weights as outputs; the names of these by weight. */
function differentiated(
  prepared: Prepared,
  training: boolean,
): { graph: Model; loss: string; gradients: Map<string, string> } {
  const { model, shapes } = prepared;
  const emit = new Emitter({
    shape: (name) => shapes.get(name),
    has: (name) => shapes.has(name),
    constant: (name) => {
      const value = model.graph.initializers.get(name);
      return value?.sparse === undefined ? value : undefined;
    },
  });
  const normalised = new Set<Node>(training ? prepared.statistics.map(({ node }) => node) : []);
  for (const node of model.graph.nodes) {
    if (normalised.has(node)) trainingForm(emit, node);
    else emit.nodes.push(node);
  }
  const parts = prepared.heads.map(({ logits }, index) => {
    const { dims, data } = drawn(emit.dims(logits), LOSS_SEED + index);
    return emit.total(emit.mul(logits, emit.store("fixed", tensor("float32", dims, data as Float32Array))));
  });
  const loss = parts.reduce((all, part) => emit.add(all, part));
  const targets = prepared.weights.map((weight) => weight.name);
  const gradients = backward({ nodes: [...emit.nodes], loss, targets }, emit);
  const outputs = [loss, ...new Set(gradients.values())].map((value) =>
    tensorInfo(value, emit.dtype(value), emit.dims(value)),
  );
  const graph = {
    ...model.graph,
    nodes: emit.nodes,
    outputs,
    initializers: new Map([...model.graph.initializers, ...emit.initializers]),
    valueInfo: new Map(),
  };
  return { graph: { ...model, graph }, loss, gradients };
}

/** What of a gradient is not as expected. Entries are compared on the scale of the largest one: float32 sums lose the rest. */
function differences(source: string, { dims, data }: Value, expected: Expected, largest: number): string[] {
  if (String(dims) !== String(expected.dims)) return [`${source}: [${dims}] instead of [${expected.dims}]`];
  const values = data as Float32Array;
  const norm = Math.hypot(...chunkNorms(values));
  // Zero but for rounding (the bias of attention's keys): nothing to be relative to.
  if (expected.norm < 1e-9 * largest) return norm < 1e-5 * largest ? [] : [`${source}: ${norm} instead of 0`];
  const bytes = Buffer.from(expected.entries, "base64");
  const entries = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const wrong: string[] = [];
  const relative = Math.abs(norm - expected.norm) / expected.norm;
  if (!(relative <= TOLERANCE)) wrong.push(`${source}: norm ${norm} instead of ${expected.norm} (${relative})`);
  let worst = 0;
  entries.forEach((entry, k) => {
    const index = expected.at?.[k] ?? (values.length <= 64 ? k : mixed(k, 1) % values.length);
    const off = Math.abs(values[index]! - entry) / expected.max;
    if (!(off <= worst)) worst = off;
  });
  if (!(worst <= TOLERANCE)) wrong.push(`${source}: entries off by ${worst} of the largest`);
  return wrong;
}

function chunkNorms(values: Float32Array): number[] {
  const norms: number[] = [];
  for (let at = 0; at < values.length; at += 4096) norms.push(Math.hypot(...values.subarray(at, at + 4096)));
  return norms;
}
