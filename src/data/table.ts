// Rows of .csv, .tsv, .jsonl and .txt files by number: one pass finds where each record begins, then records are read
// as they are wanted, so a file larger than memory costs eight bytes a row.

import Papa from "papaparse";
import { invalid } from "../base/errors.js";
import { type DataFile, endsIn, type Place } from "./reader.js";

/** A record: cells by column name, or by number when there is no header. */
export type Cells = Readonly<Record<string, unknown>>;

export interface TableOptions {
  /** First line names the columns. Default: no. */
  readonly header: boolean;
  /** Default: by the file's ending: comma, or tab for .tsv. */
  readonly delimiter?: string | undefined;
}

export interface Table {
  readonly size: number;
  read(index: number): Promise<{ readonly cells: Cells; readonly id: string }>;
}

const PIECE = 2 ** 20;

/** Opens files of one form as one table, their rows one after another. */
export async function openTable(files: readonly DataFile[], options: TableOptions, place: Place): Promise<Table> {
  const parts: { file: DataFile; begins: Float64Array; columns: readonly string[] | undefined; start: number }[] = [];
  let size = 0;
  for (const file of files) {
    const named = options.header && delimited(file.path);
    const begins = await recordStarts(file, place, quoted(file.path, options));
    const first = begins.length > 1 ? await record(file, begins, 0, place) : undefined;
    const columns = named && first !== undefined ? split(first, file.path, options) : undefined;
    parts.push({ file, begins: named ? begins.subarray(1) : begins, columns, start: size });
    size += Math.max(begins.length - 1 - (named ? 1 : 0), 0);
  }
  return {
    size,
    async read(index) {
      const part = parts.findLast(({ start }) => start <= index)!;
      const line = await record(part.file, part.begins, index - part.start, place);
      const id = `${part.file.name}:${index - part.start}`;
      return { id, cells: cellsOf(line, part.file.path, part.columns, options, id) };
    },
  };
}

/** The cell of a column, which is a name or, without a header, a number; numbers below 0 count from the end. */
export function cell(cells: Cells, column: string | number, id: string): unknown {
  const names = Object.keys(cells);
  const name = typeof column === "number" ? names.at(column) : column;
  if (name !== undefined && Object.hasOwn(cells, name)) return cells[name];
  throw invalid("data-column", `Row ${id} has no column ${JSON.stringify(column)}.`, {
    expected: names.join(", "),
    found: JSON.stringify(column),
  });
}

const delimited = (path: string) => endsIn(path, [".csv", ".tsv", ".csv.gz", ".tsv.gz"]);
const tabs = (path: string) => endsIn(path, [".tsv", ".tsv.gz"]);
const delimiterOf = (path: string, { delimiter }: TableOptions) => delimiter ?? (tabs(path) ? "\t" : ",");
/** By custom .tsv has no quoting: a cell may begin with a quotation mark that means itself. */
const quoted = (path: string, options: TableOptions) => delimited(path) && delimiterOf(path, options) !== "\t";

function split(line: string, path: string, options: TableOptions): readonly string[] {
  const delimiter = delimiterOf(path, options);
  if (delimiter === "\t") return line.split("\t");
  return Papa.parse(line, { delimiter }).data[0] ?? [];
}

function cellsOf(
  line: string,
  path: string,
  columns: readonly string[] | undefined,
  options: TableOptions,
  id: string,
): Cells {
  if (endsIn(path, [".jsonl", ".ndjson", ".jsonl.gz"])) return json(line, id);
  if (!delimited(path)) return { text: line };
  const values = split(line, path, options);
  return Object.fromEntries(values.map((value, i) => [columns?.[i] ?? String(i), value]));
}

function json(line: string, id: string): Cells {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return parsed as Cells;
  } catch {
    // Said below, with the row.
  }
  throw invalid("data-json", `Row ${id} is not a JSON object.`, { found: line.slice(0, 80) });
}

async function record(file: DataFile, begins: Float64Array, index: number, place: Place): Promise<string> {
  const source = await place.source(file.path);
  const begin = begins[index]!;
  const bytes = await source.read(begin, begins[index + 1]! - begin);
  const text = new TextDecoder("utf-8").decode(bytes);
  return text.replace(/^\uFEFF/, "").replace(/[\r\n]+$/, "");
}

/** Offsets of the records, and the end of the last; lines without content are skipped with the record before them. */
async function recordStarts(file: DataFile, place: Place, quotes: boolean): Promise<Float64Array> {
  const source = await place.source(file.path);
  const starts: number[] = [];
  let inside = false;
  let fresh = true;
  for (let at = 0; at < source.size; at += PIECE) {
    const bytes = await source.read(at, Math.min(PIECE, source.size - at));
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (byte === 10 && !inside) fresh = true;
      else if (fresh && byte !== 13) {
        starts.push(at + i);
        fresh = false;
      }
      if (byte === 34 && quotes) inside = !inside;
    }
  }
  starts.push(source.size);
  return Float64Array.from(starts);
}
