// The cache of a decoder: what it takes as past and gives as present. transformers.js makes the empty one in the type
// that the model's inputs say, and hands each result back as it is.

import type { Model, ValueInfo } from "../ir/model.js";

/** past_key_values.0.key, past_conv.3, present.0.decoder.value ... as Optimum and transformers.js name them. */
const CACHE = /^(?:past_key_values|past|present)(?:[._]|$)/;

/** Names of the float32 inputs and outputs that hold the cache, in graph order. */
export function cacheNames({ graph }: Model): readonly string[] {
  return [...graph.inputs, ...graph.outputs].filter(isFloat).flatMap(({ name }) => (CACHE.test(name) ? [name] : []));
}

const isFloat = ({ type }: ValueInfo) => type?.kind === "tensor" && type.dtype === "float32";

/** The type of the cache that a model takes: of its first input that is one, or undefined. */
export function cacheType({ graph }: Model): string | undefined {
  const type = graph.inputs.find(({ name }) => CACHE.test(name))?.type;
  return type?.kind === "tensor" ? type.dtype : undefined;
}
