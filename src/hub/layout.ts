// A model folder in the Hub's layout: which of its files are models to compress, which go along, and which stay behind.

import { invalid } from "../base/errors.js";
import { HUB_DTYPES } from "./dtypes.js";

export interface HubLayout {
  /** Models in float32: `name` without folder and extension, `path` relative to the folder. */
  readonly models: readonly { readonly name: string; readonly path: string }[];
  /** Other files that go along: config, tokenizer, README ... */
  readonly companions: readonly string[];
  /** Files that stay behind, and why. */
  readonly left: readonly { readonly path: string; readonly reason: string }[];
}

/** Weights that other libraries read. */
const FOREIGN = /\.(?:bin|ckpt|gguf|h5|mlmodel|msgpack|onnx|ot|pb|pt|pth|safetensors|tflite)$/i;

/**
 * `files`: relative POSIX paths of everything in the folder. Throws `invalid("hub-layout")` when there is no config.json
 * or no float32 model.
 */
export function hubLayout(files: readonly string[], folder: string): HubLayout {
  if (!files.includes("config.json")) {
    throw invalid("hub-layout", `${folder} is no model folder of the Hub: it has no config.json.`, {
      expected: "config.json, the tokenizer's files, and onnx/model.onnx (or several models in onnx/)",
      hint: "Name the folder that from_pretrained loads.",
    });
  }
  // Models stand in onnx/; beside config.json in the folders that exporters write.
  const place = files.some((path) => /^onnx\/[^/]+\.onnx$/.test(path)) ? "onnx/" : "";
  const onnx = files.filter((path) => path.startsWith(place) && /^[^/]+\.onnx$/.test(path.slice(place.length)));
  const names = new Set(onnx.map((path) => nameOf(path, place)));
  const models: { name: string; path: string }[] = [];
  const left: { path: string; reason: string }[] = [];
  for (const path of onnx) {
    const name = nameOf(path, place);
    const made = HUB_DTYPES.find(({ suffix }) => suffix !== "" && name.endsWith(suffix));
    const original = made ? name.slice(0, -made.suffix.length) : "";
    if (made === undefined) models.push({ name, path });
    else if (names.has(original)) left.push({ path, reason: `it is the ${made.name} form of ${original}.onnx` });
    else left.push({ path, reason: `it is a ${made.name} form, and there is no ${original}.onnx to make others from` });
  }
  if (models.length === 0) {
    throw invalid("hub-layout", `${folder} has no float32 model to compress.`, {
      expected: "onnx/model.onnx, or onnx/encoder_model.onnx and onnx/decoder_model_merged.onnx",
      found: onnx.length === 0 ? "no .onnx file" : onnx.join(", "),
    });
  }
  const companions: string[] = [];
  for (const path of files) {
    if (onnx.includes(path) || path === "config.json") continue;
    const reason = reasonToLeave(path);
    if (reason === undefined) companions.push(path);
    else left.push({ path, reason });
  }
  return { models, companions, left };
}

const nameOf = (path: string, place: string) => path.slice(place.length, -".onnx".length);

function reasonToLeave(path: string): string | undefined {
  if (/\.onnx[._]data(?:_\d+)?$/.test(path)) return "it holds weights of a model";
  if (/(?:^|\/)\.[^/]+\//.test(path)) return "it is in a hidden folder";
  return FOREIGN.test(path) ? "transformers.js does not read it" : undefined;
}
