// Rows of an embedding table that are gone: the table holds those of a list, and tokens are mapped to them inside the model.

import { invalid, unsupported } from "../../base/errors.js";
import { info, type Note, warning } from "../../base/note.js";
import type { EngineServices } from "../../engine/session.js";
import { int } from "../../ir/attributes.js";
import { makeNode } from "../../ir/build.js";
import { GraphEditor } from "../../ir/edit.js";
import { label, type Model, type Node } from "../../ir/model.js";
import { passes } from "../../passes/index.js";
import { sequence } from "../../passes/pass.js";
import type { DType } from "../../tensor/dtype.js";
import { toFloat16 } from "../../tensor/float16.js";
import { float32, tensor } from "../../tensor/tensor.js";
import { prepare } from "../../weights/prepare.js";
import { findTable, type Places, type Projection } from "./places.js";
import { someRows } from "./rows.js";

export interface VocabularyOptions {
  /** Rows that stay, by their ids; in any order, repeats do not matter. */
  readonly tokens: readonly number[];
  /** The id, one of `tokens`, that stands for those that are gone. */
  readonly unknown?: number | undefined;
  /** Pattern of the table or of the node that looks rows up; default: the largest that inputs are looked up in. */
  readonly table?: string | undefined;
  /** What becomes of a product with the same table: "refuse", or "scatter": logits of tokens that are gone are very low. */
  readonly logits?: "refuse" | "scatter" | undefined;
}

export interface CutVocabulary {
  readonly model: Model;
  readonly notes: readonly Note[];
  readonly table: string;
  readonly rows: { readonly before: number; readonly after: number };
  readonly bytes: { readonly before: number; readonly after: number };
}

/**
 * The same model with the listed rows of its table alone. Texts of listed tokens give what they gave; other ids are taken
 * as `unknown`. Inputs and outputs keep names, types and shapes. Throws `invalid("vocabulary-...")` for ids that are none
 * and for a missing `unknown`, `unsupported("vocabulary-tied")` where logits are made with the same table.
 */
export async function cutVocabulary(
  given: Model,
  options: VocabularyOptions,
  context: EngineServices,
): Promise<CutVocabulary> {
  const notes: Note[] = [];
  const model = await prepare(given);
  const places = findTable(model, options.table, notes);
  const { table, projections } = places;
  const count = table.tensor.dims[0]!;
  const rows = rowsOf(options.tokens, count, table.name);
  const before = table.tensor.data.byteLength;
  const bytes = { before, after: before };
  const said = { table: table.name, rows: { before: count, after: rows.length } };
  if (rows.length === count) {
    notes.push(info("vocabulary-whole", "The list names every row: nothing goes.", table.name));
    return { model: given, notes, ...said, bytes };
  }
  const unknown = unknownOf(options.unknown, rows, table.name);
  if (projections.length > 0 && options.logits !== "scatter") throw tied(table.name, projections[0]!.node);

  const editor = new GraphEditor(model.graph);
  editor.setInitializer(table.name, someRows(table.tensor, rows));
  const map = editor.unique(`${table.name}.rows`);
  editor.setInitializer(map, rowOfEach(rows, count, unknown));
  mapIds(editor, places, map);
  if (projections.length > 0) {
    for (const projection of projections) widen(editor, model, projection, map, rows, count);
    const text =
      "Its product gives logits of the rows that stay; those of all others are made very low, so shapes stay.";
    notes.push(info("logits-scattered", text, table.name));
  }
  bytes.after = before * (rows.length / count) + 4 * count * (projections.length > 0 ? 2 : 1);
  const gone = count - rows.length;
  notes.push(
    info("cut-vocabulary", `${gone} of ${count} rows are gone; their ids are taken as ${unknown}.`, table.name),
  );
  if (bytes.after >= before) {
    const text = "What maps ids to rows takes more bytes than the rows that are gone.";
    notes.push(warning("vocabulary-not-smaller", text, table.name));
  }
  const cleaned = await sequence([passes.get("remove-dead-nodes")], { ...model, graph: editor.done() }, context);
  return { model: cleaned.model, notes: [...notes, ...cleaned.notes], ...said, bytes };
}

function rowsOf(tokens: readonly number[], count: number, table: string): readonly number[] {
  const rows = [...new Set(tokens)].sort((a, b) => a - b);
  const wrong = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= count);
  if (wrong === undefined && rows.length > 0) return rows;
  throw invalid("vocabulary-id", "The list of tokens does not fit the table.", {
    node: table,
    expected: `one or more ids from 0 to ${count - 1}`,
    found: wrong === undefined ? "none" : String(wrong),
  });
}

function unknownOf(unknown: number | undefined, rows: readonly number[], table: string): number {
  if (unknown !== undefined && rows.includes(unknown)) return unknown;
  throw invalid("vocabulary-unknown", "Tokens that are gone must be taken as one that stays.", {
    node: table,
    expected: "unknown: an id of the list",
    found: unknown === undefined ? "nothing" : String(unknown),
  });
}

const tied = (table: string, node: Node) =>
  unsupported("vocabulary-tied", `Logits over the vocabulary are made with the same table "${table}".`, {
    node: label(node),
    hint: 'With logits "scatter" the shape of the logits stays, and tokens that are gone get a very low one.',
  });

/** The row of each id, of those that are gone that of `unknown`. Negative ids count from the end, as before. */
function rowOfEach(rows: readonly number[], count: number, unknown: number) {
  const map = new Int32Array(count).fill(rows.indexOf(unknown));
  for (const [at, row] of rows.entries()) map[row] = at;
  return tensor("int32", [count], map);
}

/** Added to logits: those of rows that stay are as they were. */
function penalties(rows: readonly number[], count: number, dtype: DType) {
  const values = new Float32Array(count).fill(dtype === "float16" ? -3e4 : -1e9);
  for (const row of rows) values[row] = 0;
  return dtype === "float16" ? tensor("float16", [count], toFloat16(values)) : float32([count], values);
}

/** Lookups of the same ids share one mapping. */
function mapIds(editor: GraphEditor, { lookups }: Places, map: string): void {
  const mapped = new Map<string, string>();
  for (const node of lookups) {
    const ids = node.inputs[1]!;
    const known = mapped.get(ids);
    const rows = known ?? editor.unique(`${ids}.rows`);
    if (known === undefined) {
      mapped.set(ids, rows);
      editor.insertBefore(node, [makeNode("Gather", [map, ids], [rows], { name: rows, attributes: { axis: int(0) } })]);
    }
    editor.replace(node, [{ ...node, inputs: [node.inputs[0]!, rows] }]);
  }
}

/** One logit a row becomes one a token again: rows by the map, and the penalty of those that are gone. */
function widen(
  editor: GraphEditor,
  { graph, opsets }: Model,
  { node, bias, dtype }: Projection,
  map: string,
  rows: readonly number[],
  count: number,
): void {
  const axis = node.opType === "Gemm" ? 1 : -1;
  if (axis < 0 && (opsets.get("") ?? 1) < 11) {
    throw unsupported("vocabulary-tied", "Before opset 11 logits cannot be scattered behind a MatMul.", {
      node: label(node),
      hint: "Upgrade the opset of the model first.",
    });
  }
  const inputs = [...node.inputs];
  if (bias !== undefined) {
    const weight = graph.initializers.get(bias);
    if (weight === undefined || weight.sparse || weight.dims.length !== 1 || weight.dims[0] !== count) {
      throw unsupported("vocabulary-tied", "The bias of the logits is not a constant with a number for each token.", {
        node: label(node),
      });
    }
    inputs[2] = editor.unique(`${bias}.rows`);
    editor.setInitializer(inputs[2], someRows(weight, rows));
  }
  const output = node.outputs[0]!;
  const least = editor.unique(`${output}.gone`);
  editor.setInitializer(least, penalties(rows, count, dtype));
  const [few, all] = [editor.unique(`${output}.rows`), editor.unique(`${output}.all`)];
  editor.replace(node, [
    { ...node, inputs, outputs: [few] },
    makeNode("Gather", [few, map], [all], { name: all, attributes: { axis: int(axis) } }),
    makeNode("Add", [all, least], [output], { name: `${output}.scattered` }),
  ]);
}
