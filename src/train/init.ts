// Fresh weights for training from the graph alone: what a weight is drawn from follows from the operator that it reaches.
// Uniform draws, as PyTorch's kaiming_uniform_ (for relu) and xavier_uniform_; every weight has a stream of its own, so that
// leaving one out does not change the others.

import { info, type Note } from "../base/note.js";
import { intOf, stringOf } from "../ir/attributes.js";
import type { Initializer, Node } from "../ir/model.js";
import { elementCount } from "../tensor/dtype.js";
import { drawAt, random } from "../tensor/random.js";
import { float32 } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import type { Prepared, TrainableWeight } from "./prepared.js";

export const INITS = ["kaiming", "xavier", "normal", "zeros"] as const;
export type Init = (typeof INITS)[number];

export interface InitOptions {
  readonly init: Init;
  readonly seed: number;
  /** Prepared names of the weights that are drawn; default: all. */
  readonly only?: ReadonlySet<string>;
}

/** How a weight is used: a matrix with the inputs and outputs of one number, or what has a value of its own. */
type Role =
  | { readonly kind: "matrix"; readonly fanIn: number; readonly fanOut: number }
  | { readonly kind: "embedding" }
  | { readonly kind: "constant"; readonly value: number };

/**
 * The same with fresh weights. kaiming: uniform within sqrt(6 / inputs); xavier: within sqrt(6 / (inputs + outputs));
 * normal: deviation 0.02. Whatever is asked, biases are 0, scales of norms 1, slopes 0.25, embeddings normal with deviation
 * 0.02 (zeros: 0), and running statistics mean 0 and variance 1.
 */
export function freshWeights(
  prepared: Prepared,
  { init, seed, only }: InitOptions,
): { prepared: Prepared; notes: Note[] } {
  const { graph } = prepared.model;
  const fresh = new Map<string, Value>();
  const readers = new Map<string, [Node, number][]>();
  for (const node of graph.nodes) {
    for (const [index, name] of node.inputs.entries()) readers.set(name, [...(readers.get(name) ?? []), [node, index]]);
  }
  const counts = new Map<string, number>();
  const drawn = prepared.weights.filter(({ name }) => only?.has(name) ?? true);
  prepared.weights.forEach((weight, index) => {
    if (!drawn.includes(weight)) return;
    const role = roleOf(weight, prepared, readers);
    counts.set(role.kind, (counts.get(role.kind) ?? 0) + 1);
    const source = random(Math.floor(drawAt(seed, index) * 2 ** 32));
    const next = draw(role, init, source);
    fresh.set(weight.name, floats(weight.dims, next));
  });
  for (const { mean, variance } of prepared.statistics) {
    for (const [name, value] of [
      [mean, 0],
      [variance, 1],
    ] as const) {
      fresh.set(
        name,
        floats(prepared.shapes.get(name)!.dims, () => value),
      );
    }
  }
  const kinds = [...counts].map(([kind, count]) => `${count} ${names[kind as Role["kind"]]}`).join(", ");
  const text = `${drawn.length} weights were drawn anew (${init}, seed ${seed}): ${kinds}.`;
  const initializers = new Map<string, Initializer>(graph.initializers);
  for (const [name, { dims, data }] of fresh) initializers.set(name, float32(dims, data as Float32Array));
  const model = { ...prepared.model, graph: { ...graph, initializers } };
  // What training leaves alone (running statistics that are frozen) is fresh in the file too.
  const restore = (values: ReadonlyMap<string, Value>) => prepared.restore(new Map([...fresh, ...values]));
  return { prepared: { ...prepared, model, restore }, notes: [info("fresh-weights", text)] };
}

const floats = (dims: readonly number[], next: () => number): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from({ length: elementCount(dims) }, next),
});

const names: Readonly<Record<Role["kind"], string>> = {
  matrix: "matrices and kernels",
  embedding: "embeddings",
  constant: "biases and scales",
};

const DEVIATION = 0.02;

function draw(role: Role, init: Init, source: ReturnType<typeof random>): () => number {
  if (role.kind === "constant") return () => role.value;
  if (init === "zeros") return () => 0;
  if (role.kind === "embedding" || init === "normal") return () => DEVIATION * source.normal();
  const bound = Math.sqrt(6 / (init === "kaiming" ? role.fanIn : role.fanIn + role.fanOut));
  return () => bound * (2 * source.next() - 1);
}

/** Operators that hand a weight on as it is, in another form. */
const PASSING = new Set([
  "Transpose",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "Slice",
  "Split",
  "Cast",
  "Identity",
  "Expand",
]);

/** By the first operator that the weight reaches and that says what it is for. */
function roleOf(weight: TrainableWeight, prepared: Prepared, readers: ReadonlyMap<string, [Node, number][]>): Role {
  const queue = [weight.name];
  const seen = new Set(queue);
  for (const name of queue) {
    for (const [node, index] of readers.get(name) ?? []) {
      if (PASSING.has(node.opType) && index === 0) {
        for (const output of node.outputs) {
          if (output === "" || seen.has(output)) continue;
          seen.add(output);
          queue.push(output);
        }
        continue;
      }
      const role = roleAt(node, index, prepared.shapes.get(name)?.dims ?? weight.dims);
      if (role) return role;
    }
  }
  const wide = weight.dims.filter((dim) => dim > 1).length > 1;
  return wide ? { kind: "embedding" } : { kind: "constant", value: 0 };
}

const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);
const matrix = (fanIn: number, fanOut: number): Role => ({ kind: "matrix", fanIn, fanOut });
const constant = (value: number): Role => ({ kind: "constant", value });

function roleAt(node: Node, index: number, dims: readonly number[]): Role | undefined {
  const [first = 1, second = 1] = dims;
  switch (node.opType) {
    case "Conv":
      if (index !== 1) return constant(0);
      return matrix(product(dims.slice(1)), (first / intOf(node, "group", 1)) * product(dims.slice(2)));
    case "ConvTranspose":
      if (index !== 1) return constant(0);
      return matrix((first / intOf(node, "group", 1)) * product(dims.slice(2)), product(dims.slice(1)));
    case "Gemm": {
      if (index === 2) return constant(0);
      const turned = intOf(node, index === 0 ? "transA" : "transB", 0) === 1;
      const [rows, columns] = turned ? [second, first] : [first, second];
      return index === 1 ? matrix(rows, columns) : matrix(columns, rows);
    }
    case "MatMul": {
      const rows = dims.at(-2) ?? 1;
      const columns = dims.at(-1) ?? 1;
      return index === 1
        ? matrix(dims.length === 1 ? columns : rows, dims.length === 1 ? 1 : columns)
        : matrix(columns, rows);
    }
    case "Einsum": {
      const [inputs = "", output = ""] = stringOf(node, "equation", "").replaceAll(" ", "").split("->");
      const letters = [...(inputs.split(",")[index] ?? "").replace("...", "")];
      if (letters.length !== dims.length) return matrix(product(dims.slice(0, -1)), dims.at(-1) ?? 1);
      const kept = (letter: string) => output.includes(letter);
      return matrix(
        product(dims.filter((_, i) => !kept(letters[i]!))),
        product(dims.filter((_, i) => kept(letters[i]!))),
      );
    }
    case "Gather":
      return index === 0 ? { kind: "embedding" } : undefined;
    case "BatchNormalization":
    case "LayerNormalization":
    case "RMSNormalization":
    case "InstanceNormalization":
    case "GroupNormalization":
      return constant(index === 1 ? 1 : 0);
    case "PRelu":
      return index === 1 ? constant(0.25) : undefined;
    case "Mul":
    case "Div":
      return constant(1);
    case "Add":
    case "Sub":
      // Positions of a transformer are added as a table; a bias has one axis.
      return dims.filter((dim) => dim > 1).length > 1 ? { kind: "embedding" } : constant(0);
    default:
      return undefined;
  }
}
