// Which model input takes which field of a row: stated in dataset.json, else by name, else by what is left over.

import { z } from "zod";
import { invalid } from "../base/errors.js";
import { suggest } from "../base/registry.js";
import type { Model } from "../ir/model.js";
import type { Numbers, Value } from "../tensor/value.js";
import { cast, makeValue } from "./cast.js";
import type { Sample } from "./dataset.js";
import type { ModelInput, Row, Rows } from "./reader.js";

export const inputRules = z
  .record(
    z.string(),
    z.union([
      z.strictObject({ from: z.string().describe("Name of the reader's field") }),
      z.strictObject({
        constant: z.union([z.number(), z.array(z.number())]).describe("One number for all elements, or all of them"),
        dims: z
          .array(z.int().min(0))
          .optional()
          .describe("Default: the model's shape, free dimensions as in the other inputs, else 1"),
      }),
    ]),
  )
  .describe("How each model input is made, where its name does not say it already");

export type InputRules = z.output<typeof inputRules>;

/** The inputs that have to be fed: those of the graph that no initializer gives a value to. */
export function modelInputs(model: Model): readonly ModelInput[] {
  return model.graph.inputs
    .filter((input) => !model.graph.initializers.has(input.name))
    .map(({ name, type }) => ({
      name,
      dtype: type?.kind === "tensor" ? type.dtype : undefined,
      shape: type?.kind === "tensor" ? type.shape : undefined,
    }));
}

export interface Feeder {
  /** Rows that go into one run: more than 1 when the model fixes its batch. */
  readonly batch: number;
  /** Exactly `batch` rows to one sample. Throws `invalid("data-shape")` when a field does not fit its input. */
  sample(rows: readonly Row[]): Sample;
}

/** Decides the mapping on a first row. Throws `invalid("data-input")` when an input is left without a source. */
export function feeder(inputs: readonly ModelInput[], rules: InputRules, rows: Rows, first: Row): Feeder {
  const fields = assign(inputs, rules, rows, Object.keys(first.fields));
  const batches = inputs.flatMap((input) => {
    const size = fields.has(input.name) ? input.shape?.[0] : undefined;
    // An input of rank 1 or a shape that one row fills by itself has no batch dimension of its own to fill up.
    const field = fields.get(input.name);
    const filled = field !== undefined && fills(first.fields[field]!, input);
    return typeof size === "number" && size > 1 && !filled ? [size] : [];
  });
  const batch = Math.max(1, ...batches);
  return {
    batch,
    sample(group) {
      const symbols = new Map<string, number>();
      const feeds: Record<string, Value> = {};
      for (const input of inputs) {
        const field = fields.get(input.name);
        if (field === undefined) continue;
        const parts = group.map((row) => fit(row.fields[field]!, input, batch));
        const value = concat(parts, input.name);
        input.shape?.forEach((dim, axis) => {
          if (typeof dim === "string" && value.dims[axis] !== undefined) symbols.set(dim, value.dims[axis]);
        });
        feeds[input.name] = input.dtype === undefined ? value : cast(value, input.dtype);
      }
      for (const input of inputs) {
        const rule = rules[input.name];
        if (rule && "constant" in rule) feeds[input.name] = constant(input, rule, symbols);
        else if (!fields.has(input.name)) feeds[input.name] = constant(input, emptyCache(input)!(symbols), symbols);
      }
      const labels = group.flatMap((row) => (row.label === undefined ? [] : [row.label]));
      const label = labels.length === group.length ? join(labels) : undefined;
      const id = group.map((row) => row.id).join(",");
      return label === undefined ? { feeds, id } : { feeds, label, id };
    },
  };
}

function assign(inputs: readonly ModelInput[], rules: InputRules, rows: Rows, names: readonly string[]) {
  const wrong = Object.keys(rules).find((name) => !inputs.some((input) => input.name === name));
  if (wrong !== undefined) {
    const known = inputs.map((input) => input.name);
    throw invalid("data-input", `The dataset describes the input "${wrong}", which the model does not have.`, {
      expected: known.join(", "),
      found: wrong,
      hint: suggest(wrong, known),
    });
  }
  const fields = new Map<string, string>();
  const left: ModelInput[] = [];
  for (const input of inputs) {
    const rule = rules[input.name];
    if (rule && "constant" in rule) continue;
    if (rule === undefined && !names.includes(input.name) && emptyCache(input)) continue;
    const stated = rule?.from;
    const alias = Object.entries(rows.aliases ?? {}).find(([, pattern]) => pattern.test(input.name))?.[0];
    const field = stated ?? (names.includes(input.name) ? input.name : alias);
    if (field === undefined) left.push(input);
    else if (names.includes(field)) fields.set(input.name, field);
    else throw missing(input, names, field);
  }
  const unused = names.filter((name) => ![...fields.values()].includes(name));
  const [only] = left;
  const [first] = unused;
  if (left.length === 1 && only && first !== undefined && (unused.length === 1 || fields.size === 0)) {
    fields.set(only.name, first);
  } else if (only) throw missing(only, names);
  return fields;
}

/** Whether an input is what an exported decoder keeps of the tokens before: past_key_values.0.key, past_0_k, cache. */
export const isCache = ({ name, dtype }: ModelInput): boolean =>
  /^past|key_values|cache/.test(name) && /^float/.test(dtype ?? "");

/**
 * What an exported decoder takes beside its tokens when nothing came before them: a cache of length 0
 * (`past_key_values.*`), and `use_cache_branch` false. Undefined for other inputs.
 */
function emptyCache(input: ModelInput): ((symbols: ReadonlyMap<string, number>) => ConstantRule) | undefined {
  const { name, dtype, shape = [] } = input;
  if (/^use_cache/.test(name) && dtype === "bool") return () => ({ constant: 0 });
  const free = shape.some((dim, axis) => axis > 0 && typeof dim !== "number");
  if (!isCache(input) || !free) return undefined;
  const size = (dim: number | string | null, axis: number, symbols: ReadonlyMap<string, number>) =>
    typeof dim === "number" ? dim : ((dim === null ? undefined : symbols.get(dim)) ?? (axis === 0 ? 1 : 0));
  return (symbols) => ({ constant: 0, dims: shape.map((dim, axis) => size(dim, axis, symbols)) });
}

function missing(input: ModelInput, names: readonly string[], asked?: string) {
  return invalid(
    "data-input",
    asked === undefined
      ? `The dataset gives nothing for the model's input "${input.name}".`
      : `The dataset has no field "${asked}" for the model's input "${input.name}".`,
    {
      expected: `a field or a constant for ${input.name} (${input.dtype ?? "?"}[${input.shape?.join(", ") ?? "?"}])`,
      found: `fields: ${names.join(", ")}`,
      hint: `State it in dataset.json: "inputs": { "${input.name}": { "from": "${names[0] ?? "field"}" } } or { "constant": 0 }.`,
    },
  );
}

const size = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
const fixed = (shape: ModelInput["shape"]): shape is readonly number[] =>
  shape?.every((dim) => typeof dim === "number") ?? false;
const fills = (value: Value, input: ModelInput) => fixed(input.shape) && size(input.shape) === size(value.dims);

/** The row's field in the shape of the input: as it is, or with dimensions of 1 added or dropped, or flattened. */
function fit(value: Value, input: ModelInput, batch: number): Value {
  const { shape } = input;
  if (shape === undefined) return value;
  const wanted = batch > 1 ? [1, ...shape.slice(1)] : shape;
  const agrees = (dims: readonly number[]) =>
    dims.length === wanted.length && wanted.every((dim, axis) => typeof dim !== "number" || dim === dims[axis]);
  if (agrees(value.dims)) return value;
  if (agrees(value.dims.slice(1)) && value.dims[0] === 1) return { ...value, dims: value.dims.slice(1) };
  const batched = wanted.map((dim, axis) => (axis === 0 && typeof dim !== "number" ? 1 : dim));
  const known = batched.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1);
  const free = batched.filter((dim) => typeof dim !== "number").length;
  const rest = size(value.dims) / known;
  if ((free === 0 && rest === 1) || (free === 1 && Number.isInteger(rest) && rest >= 1)) {
    return { ...value, dims: batched.map((dim) => (typeof dim === "number" ? dim : rest)) };
  }
  throw invalid("data-shape", `A sample does not have the shape of the model's input "${input.name}".`, {
    expected: `[${shape.map((dim) => dim ?? "?").join(", ")}]`,
    found: `[${value.dims.join(", ")}]`,
    hint: "Choose another input, size or layout in dataset.json.",
  });
}

function concat(parts: readonly Value[], name: string): Value {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first!;
  const { dims, dtype, data } = first;
  if (parts.some((part) => String(part.dims) !== String(dims))) {
    throw invalid("data-shape", `The model fixes its batch, and samples for "${name}" differ in shape.`, {
      expected: `[${dims.join(", ")}]`,
      found: parts.map((part) => `[${part.dims.join(", ")}]`).join(", "),
      hint: "Pad them to one length.",
    });
  }
  const joined = [parts.length * (dims[0] ?? 1), ...dims.slice(1)];
  if (Array.isArray(data)) return { dtype, dims: joined, data: parts.flatMap((part) => part.data as string[]) };
  const numbers = data as Numbers;
  const out = new (numbers.constructor as new (length: number) => Numbers)(numbers.length * parts.length);
  parts.forEach((part, i) => {
    (out as Uint8Array).set(part.data as Uint8Array, i * numbers.length);
  });
  return { dtype, dims: joined, data: out };
}

interface ConstantRule {
  readonly constant: number | number[];
  readonly dims?: number[] | undefined;
}

function constant(input: ModelInput, rule: ConstantRule, symbols: ReadonlyMap<string, number>): Value {
  const shape = input.shape ?? (Array.isArray(rule.constant) ? [rule.constant.length] : []);
  const dims = rule.dims ?? shape.map((dim) => (typeof dim === "number" ? dim : (dim && symbols.get(dim)) || 1));
  const count = size(dims);
  const values = typeof rule.constant === "number" ? Array<number>(count).fill(rule.constant) : rule.constant;
  if (values.length !== count) {
    throw invalid("data-shape", `The constant for the input "${input.name}" does not fill it.`, {
      expected: `${count} numbers for [${dims.join(", ")}]`,
      found: `${values.length}`,
    });
  }
  return makeValue(input.dtype ?? "float32", dims, values);
}

function join(labels: readonly Exclude<Sample["label"], undefined>[]): Exclude<Sample["label"], undefined> {
  if (labels.length === 1) return labels[0]!;
  if (labels.every((label) => typeof label === "number")) return labels;
  if (labels.every((label) => Array.isArray(label))) return (labels as number[][]).flat();
  return concat(labels as Value[], "label");
}
