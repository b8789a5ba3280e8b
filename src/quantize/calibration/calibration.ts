// The range of numbers that each observed value takes while the float model runs on data: found, or read from a store.

import { invalid } from "../../base/errors.js";
import { info, type Note, warning } from "../../base/note.js";
import { observe, type Shape } from "../../engine/observe.js";
import { label, type Model } from "../../ir/model.js";
import { definitions, everyGraph, subgraphs } from "../../ir/traverse.js";
import { type CalibrationData, calibrationData, ONE_THREAD } from "../../statistics/data.js";
import { carried, statePairs } from "../../statistics/states.js";
import type { StepContext } from "../../step/step.js";
import type { Settings } from "../options.js";
import { observeDensities } from "./densities.js";
import { observeExtremes } from "./extremes.js";
import { fromJson, type Stored, toJson } from "./file.js";
import { modelKey } from "./model-key.js";
import { type CalibrationRange, calibrationRanges, type RangeOptions } from "./ranges/index.js";
import { Tally } from "./tally.js";

/** Of one value of the model. All numbers are finite. */
export interface ValueRange {
  /** What the range method chose, or what the user wrote; `low <= high`. Not widened to hold 0. */
  readonly low: number;
  readonly high: number;
  /** Smallest and largest number observed over all samples. */
  readonly min: number;
  readonly max: number;
  /** Over all elements of all samples. */
  readonly mean: number;
  readonly deviation: number;
}

export interface Calibration {
  /** Content key of the float model that was run: its graph and its weights (see model-key.ts). */
  readonly model: string;
  /** Range method and its parameters as text: "percentile 99.99". */
  readonly range: string;
  readonly data: { readonly name: string; readonly synthetic: boolean; readonly samples: number };
  /** By name of the value; those that are no float tensor, were empty or not finite are missing (a Note says so). */
  readonly values: ReadonlyMap<string, ValueRange>;
  readonly notes: readonly Note[];
}

export type CalibrationOptions = Pick<
  Settings,
  "activationRange" | "activationPercentile" | "sigmas" | "momentum" | "calibrationSamples" | "activations" | "stated"
> & {
  /** 0 stands in the middle of the codes; default false. */
  readonly symmetric?: boolean;
};

/**
 * Ranges of values of the top-level graph (graph inputs and what nodes give) over the first `calibrationSamples` samples
 * that are meant to calibrate; states that these leave at 0 are carried on (states.ts). The same whatever the number of threads. Where the context has a store and it holds ranges of
 * this very model, these are taken as they stand and only what is missing is found; the store then gets the whole.
 * Throws `invalid("calibration-value")` for a name that is nowhere, `invalid("calibration-empty")` without samples,
 * `invalid("calibration-input")` for samples that are not finite, and what `fromJson` throws.
 */
export async function calibrate(
  model: Model,
  names: readonly string[],
  options: CalibrationOptions,
  context: StepContext,
): Promise<Calibration> {
  const method = calibrationRanges.get(options.activationRange);
  const wanted = rangeOptions(options);
  const key = await modelKey(model, context.signal);
  const title = method.title(wanted);
  const identity = `${key}|${title}|${options.calibrationSamples}|${context.seed ?? 0}`;
  const json = await context.calibration?.read(identity);
  const stored = json === undefined ? undefined : fromJson(json, key, model);
  if (stored && options.stated.activationRange !== undefined && stored.range !== title) throw otherRange(stored, title);
  const missing = [...new Set(names)].filter((name) => !stored?.values.has(name) && !stored?.without.has(name));
  checkNames(model, missing);
  let found: Stored;
  if (missing.length === 0 && stored) {
    found = stored;
  } else {
    const data = await calibrationData(context, options.calibrationSamples);
    const fresh = await find(model, missing, method, wanted, data, context);
    found = {
      model: key,
      range: stored?.range ?? title,
      data: stored?.data ?? { name: data.name, synthetic: data.synthetic, samples: fresh.samples },
      values: inOrder(model, [...(stored?.values ?? []), ...fresh.values]),
      without: inOrder(model, [...(stored?.without ?? []), ...fresh.without]),
    };
    await context.calibration?.write(toJson(found), identity);
  }
  return { ...found, notes: notesOf(found, names, stored !== undefined) };
}

interface Found {
  readonly samples: number;
  readonly values: readonly (readonly [name: string, range: ValueRange])[];
  readonly without: readonly (readonly [name: string, reason: string])[];
}

async function find(
  model: Model,
  names: readonly string[],
  method: CalibrationRange,
  options: RangeOptions,
  data: CalibrationData,
  context: StepContext,
): Promise<Found> {
  const values: [string, ValueRange][] = [];
  const without: [string, string][] = [];
  if (names.length === 0) return { samples: 0, values, without };
  const top = definitions(model.graph);
  const shapes = (await observe(model, { feeds: data.first.feeds }, { ...context, ...ONE_THREAD })).values;
  const tallies = new Map<string, Tally>();
  for (const name of names) {
    const reason = top.has(name) ? unfit(shapes.get(name)) : insideOf(model, name);
    if (reason === undefined) tallies.set(name, new Tally(options.momentum));
    else without.push([name, reason]);
  }
  const pass = method.needs === "histogram" ? observeDensities : observeExtremes;
  const stepping = carried(data, statePairs(model, data.first.feeds, shapes), model, context);
  const samples = tallies.size === 0 ? 0 : await pass(model, tallies, shapes, stepping, context);
  const inputs = new Set(model.graph.inputs.map(({ name }) => name));
  for (const [name, tally] of tallies) {
    if (tally.notFinite !== undefined) {
      if (inputs.has(name)) throw badInput(name, tally.notFinite);
      without.push([name, `It holds NaN or infinity, first in sample ${tally.notFinite}.`]);
    } else if (tally.empty) {
      without.push([name, "It was empty in every sample."]);
    } else {
      values.push([name, rangeOf(tally, method, options)]);
    }
  }
  return { samples, values, without };
}

function rangeOf(tally: Tally, method: CalibrationRange, options: RangeOptions): ValueRange {
  const statistics = tally.done();
  const { low, high } = method.range(statistics, options);
  const { min, max, mean, deviation } = statistics;
  return {
    low: rounded(Math.min(low, high)),
    high: rounded(Math.max(low, high)),
    min: rounded(min),
    max: rounded(max),
    mean: rounded(mean),
    deviation: rounded(deviation),
  };
}

/** Seven digits: as many as a float32 has, and as few as a file to be read should have. */
const rounded = (number: number): number => Number(number.toPrecision(7)) + 0;

function rangeOptions(options: CalibrationOptions): RangeOptions {
  const { activations, activationPercentile: percentile, sigmas, momentum, symmetric = false } = options;
  return { levels: activations.endsWith("16") ? 65536 : 256, symmetric, percentile, sigmas, momentum };
}

/** Why a value of the top-level graph has no range; undefined: it may have one. */
function unfit(shape: Shape | undefined): string | undefined {
  if (shape === undefined) return "It is no tensor.";
  return /float/.test(shape.dtype) ? undefined : `Its numbers are ${shape.dtype}, not floats.`;
}

function insideOf(model: Model, name: string): string {
  const holder = model.graph.nodes.find((node) => subgraphs(node).some((graph) => definitions(graph).has(name)));
  return `It is inside a subgraph${holder ? ` of ${label(holder)}` : ""}: such values are not observed.`;
}

function checkNames(model: Model, names: readonly string[]): void {
  const known = new Set([...everyGraph(model)].flatMap((graph) => [...definitions(graph)]));
  for (const name of names) {
    if (!known.has(name))
      throw invalid("calibration-value", `There is no value "${name}" in the model.`, { node: name });
  }
}

/** In the order of the graph, so that a file looks the same however often it was completed. */
function inOrder<T>(model: Model, entries: readonly (readonly [string, T])[]): Map<string, T> {
  const place = new Map([...definitions(model.graph)].map((name, at) => [name, at]));
  const at = (name: string) => place.get(name) ?? place.size;
  return new Map([...entries].sort(([a], [b]) => at(a) - at(b)));
}

function notesOf({ data, values, without, range }: Stored, names: readonly string[], reused: boolean): Note[] {
  const notes: Note[] = [];
  if (reused) {
    notes.push(
      info("calibration-reused", `Ranges of ${values.size} values come from the calibration file (${range}).`),
    );
  } else {
    notes.push(info("calibrated", `Ranges by ${range} on ${data.samples} samples of ${data.name}.`));
  }
  if (data.synthetic) {
    notes.push(
      warning(
        "calibration-synthetic",
        "Ranges were found on made-up inputs: on real ones the result may be far off. State your data (--data).",
      ),
    );
  }
  const wanted = new Set(names);
  for (const [name, reason] of without) {
    if (wanted.has(name)) notes.push(warning("no-range", `The value has no range. ${reason}`, name));
  }
  return notes;
}

const badInput = (name: string, id: string) =>
  invalid("calibration-input", `Samples to calibrate on hold NaN or infinity in input "${name}".`, {
    node: name,
    found: `first in sample ${id}`,
    hint: "Take these samples out of the data.",
  });

const otherRange = ({ range }: Stored, title: string) =>
  invalid("calibration-range", "The calibration file was made by another range method than the one asked for.", {
    expected: title,
    found: range,
    hint: "Leave activationRange out to use the file as it is, or name another file.",
  });
