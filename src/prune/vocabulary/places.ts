// Where a table of embeddings stands in a model: which table is meant, who looks rows up, who multiplies with it.

import { invalid, unsupported } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import { type Graph, label, type Model, type Node } from "../../ir/model.js";
import { producers } from "../../ir/traverse.js";
import type { DType } from "../../tensor/dtype.js";
import { patterns } from "../../weights/patterns.js";
import { viewDims } from "../../weights/views.js";
import { axisOf, type Consumer, collectWeights, type Weight } from "../../weights/weights.js";

/** A product whose results are one number for each row of the table. */
export interface Projection {
  readonly node: Node;
  /** Its constant bias over the rows, where it takes one. */
  readonly bias: string | undefined;
  readonly dtype: DType;
}

export interface Places {
  readonly table: Weight;
  readonly lookups: readonly Node[];
  readonly projections: readonly Projection[];
}

/**
 * The table that `pattern` names; without one, that with most rows of those that inputs of the model are looked up in.
 * Throws `invalid("vocabulary-table")` where there is none, and `unsupported("vocabulary-used")` where something that
 * cannot follow uses it.
 */
export function findTable(model: Model, pattern: string | undefined, notes: Note[]): Places {
  const tables = collectWeights(model).filter(({ tensor, consumers }) => {
    return tensor.dims.length === 2 && consumers.some((one) => one.use?.role === "table" && isLookup(one));
  });
  const named = pattern === undefined ? undefined : patterns(model, [pattern], 0, notes);
  const chosen = tables.filter((weight) =>
    named
      ? named.weight(weight) || weight.consumers.some(({ node }) => node !== undefined && named.node(node))
      : weight.consumers.some((one) => isLookup(one) && fromInput(model.graph, one.node!.inputs[1]!)),
  );
  const [first, ...others] = [...chosen].sort((a, b) => b.tensor.dims[0]! - a.tensor.dims[0]!);
  if (first === undefined) {
    throw invalid("vocabulary-table", "The model has no table of floats whose rows are looked up by its inputs.", {
      expected: "a Gather along axis 0 of a weight of two axes",
      found: tables.map(({ name }) => name).join(", ") || "none",
      hint: "Name a table with the option table; cut the vocabulary before the model is quantized.",
    });
  }
  if (others.length > 0) {
    const rest = others.map(({ name }) => name).join(", ");
    notes.push(info("vocabulary-chosen", `Taken as the table of the vocabulary: not ${rest}.`, first.name));
  }
  return placesOf(model, first);
}

function placesOf({ graph }: Model, table: Weight): Places {
  if (table.overridable || table.graph !== graph) {
    throw refused(table, undefined, "a caller may override it, or it stands inside a subgraph or function");
  }
  const lookups: Node[] = [];
  const projections: Projection[] = [];
  for (const consumer of table.consumers) {
    const { node } = consumer;
    if (node === undefined) throw refused(table, undefined, "it is an output of the model");
    if (consumer.graph !== graph) throw refused(table, node, "a subgraph uses it");
    if (!consumer.path.every(({ opType }) => FOLLOWING.has(opType))) {
      throw refused(table, node, "it is reshaped before it is used");
    }
    const rows = consumer.path.filter(({ opType }) => opType === "Transpose").length % 2;
    if (isLookup(consumer) && rows === 0) lookups.push(node);
    else if (isProjection(consumer, rows)) {
      projections.push({ node, bias: biasOf(graph, node), dtype: consumer.view.dtype });
    } else throw refused(table, node, "this use of its rows cannot follow");
  }
  return { table, lookups, projections };
}

/** Nodes through which rows stay rows, and no number says how many there are. */
const FOLLOWING = new Set(["Cast", "Identity", "Transpose"]);

const isLookup = ({ node, input, use, view }: Consumer): boolean =>
  node?.opType === "Gather" && node.domain === "" && input === 0 && axisOf(use?.outputAxis ?? 0, viewDims(view)) === 0;

/** Whether the rows of the table, the axis `rows` of what the node sees, are the last axis of its result. */
const isProjection = ({ node, input, use, view }: Consumer, rows: number): boolean =>
  (node?.opType === "MatMul" || node?.opType === "Gemm") &&
  node.domain === "" &&
  input === 1 &&
  use !== undefined &&
  axisOf(use.outputAxis, viewDims(view)) === rows;

function biasOf(graph: Graph, node: Node): string | undefined {
  const name = node.opType === "Gemm" ? (node.inputs[2] ?? "") : "";
  return name === "" || graph.initializers.get(name)?.dims.at(-1) === 1 ? undefined : name;
}

const refused = (table: Weight, node: Node | undefined, why: string) =>
  unsupported("vocabulary-used", `The table "${table.name}" must stay whole: ${why}.`, {
    node: node && label(node),
    expected: "lookups of rows (Gather along axis 0), or a product that gives a number for each row",
  });

/** Whether a value is an input of the model, but for its type and shape. */
function fromInput(graph: Graph, name: string): boolean {
  const makers = producers(graph);
  let at = name;
  for (let maker = makers.get(at); maker !== undefined; maker = makers.get(at)) {
    if (!PASSING.has(maker.opType)) return false;
    at = maker.inputs[0] ?? "";
  }
  return graph.inputs.some((input) => input.name === at);
}

const PASSING = new Set(["Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Clip", "Max"]);
