// The forms that are measured, and how each is made: by pare where it makes it, else by ONNX Runtime's Python (forms.py).

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compress, describeError, load, type Model, type RecipeStep, save } from "../../src/index.js";
import { raiseOpset } from "../../src/quantize/prepare.js";
import type { FeedSpec } from "./runner.js";

type Options = Omit<Extract<RecipeStep, { method: "quantize" }>, "method">;

export interface Form {
  readonly id: string;
  readonly label: string;
  /** Options of pare's quantize step and the target they are for; none where Python makes the form. */
  readonly options?: Options;
  readonly target?: string;
  /** What of a model it needs. A form of what a model has not is not made. */
  readonly needs?: "products" | "embedding" | "convolutions";
}

const native = (weights: string, accuracyLevel: number): Options => ({
  weights,
  form: "native",
  accuracyLevel,
  only: ["MatMul"],
});
const table = (weights: string): Options => ({ weights, form: "native", only: ["Gather"] });

export const forms: readonly Form[] = [
  { id: "float16", label: "float16 arithmetic", options: { weights: "float16", compute: "compute", guard: "off" } },
  {
    id: "float16-stored",
    label: "float16 stored, decoded at load",
    options: { weights: "float16", compute: "stored" },
  },
  { id: "int8-extract", label: "int8 self-extracting", options: { weights: "int8", form: "extract" } },
  { id: "uint4-extract", label: "uint4 blocks self-extracting", options: { weights: "uint4", form: "extract" } },
  {
    id: "int8-dynamic",
    label: "int8 dynamic (Conv weights uint8)",
    options: { weights: "int8", activations: "dynamic" },
  },
  { id: "dynamic-s8", label: "int8 dynamic, Conv weights int8", needs: "convolutions" },
  { id: "qdq-u8s8", label: "QDQ U8S8" },
  { id: "qdq-u8u8", label: "QDQ U8U8" },
  { id: "qoperator-u8s8", label: "QOperator U8S8" },
  { id: "qoperator-u8u8", label: "QOperator U8U8, per tensor" },
  { id: "nbits8-4", label: "MatMulNBits 8 bits, level 4", options: native("uint8", 4), needs: "products" },
  { id: "nbits8-0", label: "MatMulNBits 8 bits, level 0", options: native("uint8", 0), needs: "products" },
  { id: "nbits4-4", label: "MatMulNBits 4 bits, level 4", options: native("int4", 4), needs: "products" },
  { id: "nbits4-0", label: "MatMulNBits 4 bits, level 0", options: native("int4", 0), needs: "products" },
  { id: "nbits2-4", label: "MatMulNBits 2 bits, level 4", needs: "products" },
  { id: "nbits2-0", label: "MatMulNBits 2 bits, level 0", needs: "products" },
  { id: "bnb4", label: "MatMulBnb4 NF4", needs: "products" },
  { id: "dequantize-int8", label: "DequantizeLinear int8 weights, channel" },
  { id: "dequantize-int4", label: "DequantizeLinear int4 weights, blocks of 32" },
  { id: "gather8", label: "GatherBlockQuantized 8 bits (embedding only)", options: table("uint8"), needs: "embedding" },
  { id: "gather4", label: "GatherBlockQuantized 4 bits (embedding only)", options: table("int4"), needs: "embedding" },
  { id: "dequantize-gather", label: "DequantizeLinear int8 before Gather (embedding only)", needs: "embedding" },
];

export interface MadeForm {
  readonly form: Form;
  readonly path?: string;
  readonly bytes?: number;
  /** Why there is no such file. */
  readonly failed?: string;
}

export interface Made {
  readonly floatPath: string;
  readonly floatBytes: number;
  readonly forms: readonly MadeForm[];
}

const script = fileURLToPath(new URL("./forms.py", import.meta.url));

/** Writes the float model (opset 21) and all its forms into `folder`, which is emptied first. */
export async function makeForms(
  given: Model,
  feeds: readonly FeedSpec[],
  wanted: readonly Form[],
  folder: string,
  python: string | undefined,
): Promise<Made> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { model: clean } = await compress(given, [{ method: "clean" }]);
  const floatPath = join(folder, "float.onnx");
  await save(raiseOpset(clean, 21).model, floatPath);
  const model = await load(floatPath);
  const has = new Set(
    model.graph.nodes
      .filter((node) => node.inputs.some((name) => model.graph.initializers.has(name)))
      .map((n) => n.opType),
  );
  const applies = ({ needs }: Form) =>
    needs === undefined ||
    (needs === "products" && has.has("MatMul")) ||
    (needs === "embedding" && has.has("Gather")) ||
    (needs === "convolutions" && has.has("Conv"));
  const here = wanted.filter(applies);
  const pathOf = ({ id }: Form) => join(folder, `${id}.onnx`);
  const reasons = new Map<string, string>();
  for (const form of here) {
    if (form.options === undefined) continue;
    try {
      const step = { method: "quantize", ...form.options } as RecipeStep;
      const { model: made } = await compress(model, [step], { target: form.target ?? "any" });
      if (made.graph.nodes.length === model.graph.nodes.length && made.graph.nodes === model.graph.nodes)
        reasons.set(form.id, "pare had nothing to do");
      else await save(made, pathOf(form));
    } catch (error) {
      reasons.set(form.id, describeError(error));
    }
  }
  const peers = here.filter(({ options }) => options === undefined);
  if (python !== undefined && peers.length > 0) {
    const feedsPath = join(folder, "feeds.json");
    writeFileSync(feedsPath, JSON.stringify(feeds));
    const ids = peers.map(({ id }) => id).join(",");
    execFileSync(python, [script, floatPath, folder, feedsPath, ids], { stdio: ["ignore", "ignore", "pipe"] });
  }
  return {
    floatPath,
    floatBytes: statSync(floatPath).size,
    forms: here.map((form) => {
      const path = pathOf(form);
      if (existsSync(path)) return { form, path, bytes: statSync(path).size };
      const note = join(folder, `${form.id}.failed`);
      const said = existsSync(note) ? readFileSync(note, "utf8") : reasons.get(form.id);
      return { form, failed: said ?? (python === undefined ? "needs Python" : "was not made") };
    }),
  };
}
