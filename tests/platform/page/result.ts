// What passes between the page and the test that drives it.

import type { Recipe } from "../../../src/index.js";

export type PageTest = (recipe: Recipe, feed: readonly number[]) => Promise<PageResult>;

/** Answers of the page, as JSON can carry them. */
export interface PageResult {
  readonly operators: number;
  /** Whether a Blob of the model's bytes loads to the same model. */
  readonly fromBlob: boolean;
  readonly bytes: number;
  readonly smallBytes: readonly number[];
  readonly reference: readonly number[];
  readonly result: readonly number[];
  readonly isolated: boolean;
}

/** Losses of every step, and the held-out accuracy at the end, of the training in training.ts of the model at an address. */
export type PageTraining = (
  model: string,
) => Promise<{ readonly losses: readonly number[]; readonly accuracy: number }>;

/** SHA-256 of the file that each recipe makes of the model at an address of the page's server, in hexadecimal. */
export type PageHashes = (model: string, recipes: readonly Recipe[]) => Promise<string[]>;
