// One quantized model of the proof, kept in a file of its own, so that a rerun makes only what is missing.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scored } from "./score.js";

export interface Row {
  readonly by: "pare" | "onnxruntime" | "float";
  readonly label: string;
  /** What it was made with; another value: it is made again. */
  readonly made: string;
  readonly bytes?: number;
  /** Wall and processor seconds from the float file to the written one, imports not counted. */
  readonly seconds?: number;
  readonly processor?: number;
  /** Peak resident bytes of the whole process. */
  readonly peak?: number;
  readonly remark?: string;
  readonly failed?: string;
  readonly scored?: Scored;
  /** Samples at most that it was scored on, of each part of the data. */
  readonly limit?: number;
}

const slug = (label: string) => label.toLowerCase().replace(/[^a-z0-9]+/g, "-");

export class Rows {
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  model = (by: string, label: string) => join(this.folder, `${by}-${slug(label)}.onnx`);
  #row = (by: string, label: string) => join(this.folder, `${by}-${slug(label)}.json`);

  get(by: string, label: string): Row | undefined {
    const path = this.#row(by, label);
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Row) : undefined;
  }

  put(row: Row): void {
    writeFileSync(this.#row(row.by, row.label), JSON.stringify(row));
  }

  /** Removes what one of the two made. */
  forget(by: string): void {
    for (const name of readdirSync(this.folder))
      if (name.startsWith(`${by}-`) || (by === "onnxruntime" && name.startsWith("ranges-")))
        rmSync(join(this.folder, name));
  }
}
