// What a tokenizer is to pare: text in, ids out. How each kind is made stands in one file each.

import type { z } from "zod";
import type { Method } from "../../base/registry.js";
import type { Place } from "../reader.js";

export interface Tokens {
  readonly ids: readonly number[];
  /** Which of two texts a token belongs to (BERT's token_type_ids), where the tokenizer says so. */
  readonly types?: readonly number[];
}

export interface Tokenizer {
  /** Id of what is not in the vocabulary, where there is one. */
  readonly unknown?: number | undefined;
  /** Ids that belong to the form of a text: beginning, end, separators. */
  readonly special?: ReadonlySet<number>;
  /** Special tokens included, as the model was trained; at most `limit` ids, cut as the kind does it. */
  encode(text: string, pair: string | undefined, limit: number): Tokens;
}

export interface TokenizerKind<Options extends z.ZodObject = z.ZodObject> extends Method {
  /** `type` (this kind's name), `file` and what else it takes. */
  readonly options: Options;
  /** Whether a bare file is of this kind; `content` reads it. */
  accepts(file: string, content: () => Promise<string>): boolean | Promise<boolean>;
  open(options: z.output<Options>, place: Place): Promise<Tokenizer>;
}

/** A kind as the registry holds it: its options have been parsed by its own schema before `open` sees them. */
export interface AnyTokenizerKind extends Omit<TokenizerKind, "open"> {
  open(options: Readonly<Record<string, unknown>>, place: Place): Promise<Tokenizer>;
}

export const defineTokenizer = <Options extends z.ZodObject>(kind: TokenizerKind<Options>): AnyTokenizerKind => ({
  ...kind,
  open: (options, place) => kind.open(options as z.output<Options>, place),
});
