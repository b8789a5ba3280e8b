// The augmentations, how they are stated ("crop=4,flip", or a list of objects), and the seeded draw of each sample.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { optionError } from "../../base/option-error.js";
import { registry } from "../../base/registry.js";
import { drawAt, random } from "../../tensor/random.js";
import type { Draw } from "../dataset.js";
import type { AnyAugmentation, Changeable, Kind } from "./augmentation.js";
import { colour } from "./colour.js";
import { crop } from "./crop.js";
import { flip } from "./flip.js";
import { noise } from "./noise.js";
import { shift } from "./shift.js";
import { tokenDropout } from "./token-dropout.js";

export const augmentations = registry("augmentation", [crop, flip, colour, shift, noise, tokenDropout]);

const withName = (one: AnyAugmentation) => one.options.extend({ name: z.literal(one.name) }).strict();
const [first, ...others] = augmentations.list.map(withName);
const one = z.discriminatedUnion("name", [first!, ...others]);

export const augmentInput = z
  .union([z.string(), z.array(z.union([z.string(), one]))])
  .describe('Changes to the samples of the train part, in order: "crop=4,flip", none, or a list of names and objects');

export type AugmentInput = string | readonly (string | { readonly name: string; readonly [option: string]: unknown })[];

/** One augmentation with its options, parsed. */
interface Planned {
  readonly augmentation: AnyAugmentation;
  readonly options: Readonly<Record<string, unknown>>;
}

export type AugmentPlan = readonly Planned[];

/** Throws `invalid("augmentation-unknown")`, `invalid("option-unknown")` or `invalid("option-invalid")`. */
export function parseAugment(input: AugmentInput): AugmentPlan {
  const list = typeof input === "string" ? input.split(",").filter((word) => !/^\s*(?:none)?\s*$/.test(word)) : input;
  return list.map((stated) => {
    const { name, ...given } = typeof stated === "string" ? fromWord(stated) : stated;
    const augmentation = augmentations.get(name);
    const parsed = augmentation.options.strict().safeParse(given);
    if (parsed.success) return { augmentation, options: parsed.data };
    throw optionError(parsed.error, augmentation.options, given, `augmentation "${name}"`);
  });
}

/** `crop=4` is crop with its first option at 4. */
function fromWord(word: string): { readonly name: string; readonly [option: string]: unknown } {
  const [name = "", value] = word.split("=").map((part) => part.trim());
  if (value === undefined) return { name };
  const [main = ""] = Object.keys(augmentations.get(name).options.shape);
  return { name, [main]: value !== "" && Number.isFinite(Number(value)) ? Number(value) : value };
}

/** Throws `invalid("augment-unfit")` unless every augmentation works on what the rows give. */
export function checkAugment(plan: AugmentPlan, kind: Kind | undefined, name: string): void {
  const unfit = plan.find(({ augmentation }) => augmentation.kind !== kind);
  if (unfit === undefined) return;
  const able = augmentations.list.filter((known) => known.kind === kind).map((known) => known.name);
  throw invalid("augment-unfit", `The augmentation "${unfit.augmentation.name}" does not fit the data ${name}.`, {
    expected: able.length > 0 ? able.join(", ") : "none: its reader gives finished numbers",
    found: `it changes a ${singular[unfit.augmentation.kind]}`,
    hint: "Read pictures, sounds or texts from their files, or train without it.",
  });
}

const singular: Readonly<Record<Kind, string>> = { picture: "picture", sound: "sound", tokens: "text" };

/** What a reader hands its pictures, sounds and texts through: the plan with the numbers drawn for one sample. */
export type Augment = <K extends Kind>(kind: K, given: Changeable[K]) => Changeable[K];

/** The draw of a row: it depends on the seed, the epoch and the row's place only, so that a resumed run draws the same. */
export function augmenter(plan: AugmentPlan, { seed, epoch }: Draw, index: number): Augment {
  const source = random(Math.floor(drawAt(seed, epoch * 2 ** 32 + index) * 2 ** 32));
  return (kind, given) =>
    plan
      .filter(({ augmentation }) => augmentation.kind === kind)
      .reduce((value, { augmentation, options }) => augmentation.apply(value, options, source) as typeof given, given);
}
