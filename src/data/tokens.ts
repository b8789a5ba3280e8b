// Token ids as fields: ids, attention mask, token types and positions, padded where the model wants one length.

import type { Changeable } from "./augment/augmentation.js";
import { makeValue } from "./cast.js";
import type { ModelInput, Row } from "./reader.js";
import type { Tokenizer, Tokens } from "./tokenizers/tokenizer.js";

/** How models call the inputs that these fields are for. */
export const TOKEN_FIELDS: Readonly<Record<string, RegExp>> = {
  mask: /mask/i,
  types: /type|segment/i,
  positions: /position/i,
  tokens: /ids?$|token|^input$/i,
};

/** Used when neither the data nor the model states a length: what most encoders were trained on. */
const LENGTH = 512;

/** The longest sequence, and whether shorter ones are filled up to it. */
export function lengthOf(
  options: { readonly length?: number | undefined; readonly pad?: boolean | undefined },
  inputs: readonly ModelInput[],
): { length: number; pad: boolean } {
  const input = inputs.find(({ name }) => TOKEN_FIELDS.tokens!.test(name));
  const stated = input?.shape?.at(-1);
  const fixed = typeof stated === "number" ? stated : undefined;
  return { length: options.length ?? fixed ?? LENGTH, pad: options.pad ?? fixed !== undefined };
}

/** Tokens as augmentations take them. */
export const changeable = (tokens: Tokens, { unknown, special }: Tokenizer): Changeable["tokens"] => ({
  ...tokens,
  unknown,
  special: (id) => special?.has(id) ?? false,
});

export function tokenFields({ ids, types }: Tokens, padTo: number | undefined, padId: number): Row["fields"] {
  const length = Math.max(padTo ?? 0, ids.length);
  const field = (of: (i: number) => number) =>
    makeValue(
      "int64",
      [1, length],
      Array.from({ length }, (_, i) => of(i)),
    );
  return {
    tokens: field((i) => ids[i] ?? padId),
    mask: field((i) => (i < ids.length ? 1 : 0)),
    types: field((i) => types?.[i] ?? 0),
    positions: field((i) => i),
  };
}
