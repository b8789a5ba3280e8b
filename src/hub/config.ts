// config.json as transformers.js reads it: which files have external data, and the type of the cache. Whatever else is
// in it stays as it is.

import { invalid } from "../base/errors.js";

export type Json = { readonly [key: string]: unknown };

/** One model file that the output folder holds. */
export interface HubFileFacts {
  /** As "decoder_model_merged". */
  readonly model: string;
  /** As "decoder_model_merged_q4.onnx". */
  readonly file: string;
  readonly dtype: string;
  /** Files of external data beside it: <file>_data, <file>_data_1 ... */
  readonly dataFiles: number;
  /** The type of the cache that it takes, where it takes one. */
  readonly cache?: string | undefined;
}

const KEY = "transformers.js_config";

/** Reads config.json. Throws `invalid("hub-config")` when it is no JSON object. */
export function parseConfig(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw invalid("hub-config", "config.json is not a JSON object.");
}

/** The config with the fields of `transformers.js_config` that these files need. */
export function hubConfig(config: Json, files: readonly HubFileFacts[]): Json {
  const before = isObject(config[KEY]) ? config[KEY] : {};
  const own = { ...withDataFormat(before, files), ...cacheTypes(before, files) };
  const devices = before.device_config;
  // A device's fields stand in front of the others, so what it says of external data must be as true.
  if (isObject(devices)) {
    own.device_config = Object.fromEntries(
      Object.entries(devices).map(([device, fields]) => [
        device,
        isObject(fields) && "use_external_data_format" in fields ? withDataFormat(fields, files) : fields,
      ]),
    );
  }
  const changed = Object.keys(own).length > 0 || KEY in config;
  return changed ? { ...config, [KEY]: own } : config;
}

/**
 * `use_external_data_format` by full file name: transformers.js looks for that name first, then for the model's name for
 * all its dtypes. A number is that of data files.
 */
function withDataFormat(fields: Json, files: readonly HubFileFacts[]): Record<string, unknown> {
  const before = fields.use_external_data_format;
  const ours = new Set(files.flatMap(({ model, file }) => [model, file]));
  const others = isObject(before) ? Object.entries(before).filter(([name]) => !ours.has(name)) : [];
  const external = files.filter(({ dataFiles }) => dataFiles > 0).map(({ file, dataFiles }) => [file, dataFiles]);
  if (others.length + external.length > 0) {
    return { ...fields, use_external_data_format: Object.fromEntries([...others, ...external]) };
  }
  return before === undefined ? { ...fields } : { ...fields, use_external_data_format: false };
}

/**
 * `kv_cache_dtype` by dtype, for transformers.js before version 4.3: it does not ask the model for the type of its empty
 * cache, and takes float32 unless told.
 */
function cacheTypes(fields: Json, files: readonly HubFileFacts[]): Json {
  const types = files.flatMap(({ dtype, cache }) => (cache === undefined ? [] : [[dtype, cache] as const]));
  const before = fields.kv_cache_dtype;
  if (types.every(([, cache]) => cache === "float32") && before === undefined) return {};
  if (types.length === 0) return {};
  const stated = types.filter(([, cache]) => cache !== "float32" || before !== undefined);
  return { kv_cache_dtype: { ...(isObject(before) ? before : {}), ...Object.fromEntries(stated) } };
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
