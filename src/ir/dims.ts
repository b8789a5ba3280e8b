// Sizes for symbolic and unknown dimensions of the inputs, one size per symbol in all inputs: what the user stated, else
// what the operators that read the input demand, else a guess from the name. Every guess is a Note.

import { invalid } from "../base/errors.js";
import { info, type Note } from "../base/note.js";
import { suggest } from "../base/registry.js";
import { demands } from "./demands.js";
import { dimGuess, evaluateSymbol } from "./dim-names.js";
import type { Dim, Model, Shape, ValueInfo } from "./model.js";

export interface Binding {
  /** Symbol to size, for every symbol of the inputs. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Input to shape, for every tensor input that no initializer fills. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly guesses: readonly Note[];
  /** What may be tried instead when the model does not run: each symbol (or unnamed dimension) that was guessed. */
  readonly guessed: ReadonlyMap<string, GuessedDim>;
}

export interface GuessedDim {
  readonly size: number;
  /** The symbol, or `input[axis]` for a dimension without a name: the key under which `bindDims` takes another size. */
  readonly key: string;
  readonly candidates: readonly number[];
}

export type StatedDims = Readonly<Record<string, number | readonly number[]>>;

/** Inputs that the user must feed: those that no initializer fills. */
export const feedInputs = (model: Model): readonly ValueInfo[] =>
  model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name));

/**
 * `stated`: sizes by symbol (`{ seq: 128 }`), shapes by input (`{ input: [1, 3, 224, 224] }`), and sizes of unnamed
 * dimensions as `"input[0]"`. Throws `invalid("dim-unknown" | "dim-conflict" | "shape-conflict")`.
 */
export function bindDims(model: Model, stated: StatedDims = {}): Binding {
  const inputs = feedInputs(model);
  const shapes = new Map(inputs.map((input) => [input.name, shapeOf(input)]));
  const sizes = new Map<string, number>();
  const unnamed = new Map<string, number>();
  readStated(stated, shapes, sizes, unnamed);

  const wanted = demands(model.graph, new Set(shapes.keys()));
  for (const [name, demand] of wanted) {
    if (shapes.get(name) === undefined && demand.rank !== undefined) {
      shapes.set(name, Array<Dim>(demand.rank).fill(null));
    }
  }

  const names = inputs.map(({ name }) => name);
  const guesses: Note[] = [];
  const guessed = new Map<string, GuessedDim>();
  for (const { name } of inputs) {
    const shape = shapes.get(name) ?? unknownShape(name, guesses);
    shapes.set(name, shape);
    shape.forEach((dim, axis) => {
      if (typeof dim === "number") return;
      const key = dim ?? `${name}[${axis}]`;
      const known = dim === null ? unnamed : sizes;
      if (known.has(key) || (dim !== null && isExpression(dim, shapes))) return;
      const demanded = wanted.get(name)?.sizes.get(axis);
      const guess = dimGuess({ symbol: dim ?? undefined, input: name, axis, shape, inputs: names });
      const size = demanded ?? guess.size;
      known.set(key, size);
      guessed.set(key, { key, size, candidates: guess.candidates });
      const why = demanded === undefined ? `a guess${guess.why}` : "the operators that read it take this size";
      guesses.push(info("dim-guessed", `Dimension ${key} is taken as ${size}: ${why}.`, name));
    });
  }
  for (const shape of shapes.values()) {
    for (const dim of shape ?? []) {
      if (typeof dim !== "string" || sizes.has(dim)) continue;
      const size = evaluateSymbol(dim, sizes);
      sizes.set(dim, size ?? 1);
    }
  }
  const concrete = new Map<string, readonly number[]>();
  for (const [name, shape] of shapes) {
    concrete.set(
      name,
      shape!.map((dim, axis) =>
        typeof dim === "number" ? dim : (dim === null ? unnamed.get(`${name}[${axis}]`) : sizes.get(dim))!,
      ),
    );
  }
  return { sizes, shapes: concrete, guesses, guessed };
}

/** What gives this binding again when it is stated: for a dataset or a rebinding. */
export const statedOf = (binding: Binding): StatedDims => Object.fromEntries([...binding.sizes, ...binding.shapes]);

const shapeOf = (input: ValueInfo): Shape | undefined =>
  input.type?.kind === "tensor" || input.type?.kind === "sparse-tensor"
    ? input.type.shape?.map((dim) => (isNameless(dim) ? null : dim))
    : undefined;

/** Exporters that have no name write none, -1, or a question mark for every such dimension. */
const isNameless = (dim: Dim) => dim === "" || dim === "?" || (typeof dim === "number" && dim < 0);

function readStated(
  stated: StatedDims,
  shapes: Map<string, Shape | undefined>,
  sizes: Map<string, number>,
  unnamed: Map<string, number>,
): void {
  const symbols = new Set(
    [...shapes.values()].flatMap((shape) => (shape ?? []).filter((dim) => typeof dim === "string")),
  );
  for (const [key, value] of Object.entries(stated)) {
    if (typeof value === "number") {
      checkSize(key, value);
      const [, input, axis] = /^(.*)\[(\d+)\]$/.exec(key) ?? [];
      if (symbols.has(key)) bind(sizes, key, value);
      else if (input !== undefined && shapes.has(input)) unnamed.set(`${input}[${axis}]`, value);
      else throw unknownName(key, [...symbols], "symbolic dimension");
      continue;
    }
    const shape = shapes.get(key);
    if (!shapes.has(key)) throw unknownName(key, [...shapes.keys()], "input");
    for (const size of value) checkSize(key, size);
    if (
      shape !== undefined &&
      (shape.length !== value.length || shape.some((dim, i) => typeof dim === "number" && dim !== value[i]))
    ) {
      throw invalid("shape-conflict", `The stated shape of input "${key}" does not fit the model.`, {
        node: key,
        expected: `[${shape.map((dim) => dim ?? "?").join(", ")}]`,
        found: `[${value.join(", ")}]`,
      });
    }
    value.forEach((size, axis) => {
      const dim = shape?.[axis];
      if (typeof dim === "string") bind(sizes, dim, size);
    });
    shapes.set(key, shape?.map((dim, i) => (dim === null ? value[i]! : dim)) ?? value);
  }
}

function bind(sizes: Map<string, number>, symbol: string, size: number): void {
  const before = sizes.get(symbol);
  if (before !== undefined && before !== size) {
    throw invalid("dim-conflict", `Dimension "${symbol}" is given two sizes.`, {
      expected: String(before),
      found: String(size),
      hint: "One symbol has one size in all inputs.",
    });
  }
  sizes.set(symbol, size);
}

function checkSize(key: string, size: number): void {
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw invalid("dim-size", `The size of "${key}" is not a whole number of 0 or more.`, { found: String(size) });
}

const unknownName = (name: string, known: readonly string[], kind: string) =>
  invalid("dim-unknown", `The model has no ${kind} "${name}".`, {
    expected: known.join(", ") || "none",
    found: name,
    hint: suggest(name, known),
  });

/** A symbol that can be computed from other symbols of the inputs, such as "past_length + 1". */
function isExpression(symbol: string, shapes: ReadonlyMap<string, Shape | undefined>): boolean {
  const others = new Map<string, number>();
  for (const shape of shapes.values()) {
    for (const dim of shape ?? []) if (typeof dim === "string" && dim !== symbol) others.set(dim, 1);
  }
  return evaluateSymbol(symbol, others) !== undefined;
}

function unknownShape(name: string, guesses: Note[]): Shape {
  guesses.push(info("dim-guessed", `The file states no shape for input ${name}: taken as [1].`, name));
  return [1];
}
