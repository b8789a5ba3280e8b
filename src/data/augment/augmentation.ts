// What an augmentation is: it changes one sample of the train part, by numbers from a seeded generator.

import type { z } from "zod";
import type { Method } from "../../base/registry.js";
import type { Random } from "../../tensor/random.js";
import type { RawImage } from "../image.js";
import type { Tokens } from "../tokenizers/tokenizer.js";

/** What readers let augmentations change, before it becomes numbers for the model. */
export interface Changeable {
  /** At the model's size, in the model's channels, before range, mean and deviation. */
  readonly picture: RawImage;
  readonly sound: {
    /** One channel from -1 to 1. */
    readonly samples: Float32Array;
    /** Samples a second. */
    readonly rate: number;
  };
  readonly tokens: Tokens & {
    /** Id of words that the tokenizer does not know, where it has one. */
    readonly unknown: number | undefined;
    /** Whether an id belongs to the form of a text (its beginning, end, filling) and not to its content. */
    readonly special: (id: number) => boolean;
  };
}

export type Kind = keyof Changeable;

export interface Augmentation<K extends Kind = Kind, Options extends z.ZodObject = z.ZodObject> extends Method {
  /** What it works on. */
  readonly kind: K;
  /** The first one is what `name=value` sets. */
  readonly options: Options;
  /** The same value, or a new one of the same size (tokens: or shorter). Never changes what it is given. */
  apply(given: Changeable[K], options: z.output<Options>, random: Random): Changeable[K];
}

/** An augmentation as the registry holds it: its options have been parsed by its own schema before `apply` sees them. */
export interface AnyAugmentation extends Method {
  readonly kind: Kind;
  readonly options: z.ZodObject;
  apply(given: Changeable[Kind], options: Readonly<Record<string, unknown>>, random: Random): Changeable[Kind];
}

export const defineAugmentation = <K extends Kind, Options extends z.ZodObject>(
  augmentation: Augmentation<K, Options>,
): AnyAugmentation => ({
  ...augmentation,
  apply: (given, options, random) =>
    augmentation.apply(given as Changeable[K], options as z.output<Options>, random) as Changeable[Kind],
});
