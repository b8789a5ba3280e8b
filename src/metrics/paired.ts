// Two models on the same samples: the difference of their means, and what it may really be.

import { invalid } from "../base/errors.js";

export interface PairedDifference {
  /** Mean of `second` minus mean of `first`. */
  readonly difference: number;
  /** The 95% interval of that difference. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
  /** "newcombe" for outcomes of 0 and 1, "student" for other numbers. */
  readonly method: "newcombe" | "student";
}

const Z = 1.959963984540054;

/**
 * The 95% interval of the difference of two means over the same samples, in the same order. Outcomes of 0 and 1: the
 * score interval for paired proportions (R. G. Newcombe, Improved confidence intervals for the difference between
 * binomial proportions based on paired data, 1998, method 10), which also holds near 0 and 1 and for few samples.
 * Other numbers: Student's t of the differences. Throws `invalid("paired-length")`; needs at least 2 samples.
 */
export function pairedDifference(first: ArrayLike<number>, second: ArrayLike<number>): PairedDifference {
  const n = first.length;
  if (n !== second.length || n < 2) {
    throw invalid("paired-length", "Two models can only be compared on the same samples, at least two.", {
      found: `${n} and ${second.length}`,
    });
  }
  const binary = (values: ArrayLike<number>) => Array.from(values).every((x) => x === 0 || x === 1);
  return binary(first) && binary(second) ? newcombe(first, second) : student(first, second);
}

export interface Documents {
  /** Mean loss of each document, natural logarithm. */
  readonly loss: readonly number[];
  /** Items (tokens) in each. */
  readonly items: readonly number[];
}

/**
 * The 95% interval of the difference of two perplexities, e to the mean loss over all tokens, in perplexity's own unit.
 * Tokens of one document are not independent, so a document is one observation: the mean over tokens is a ratio of
 * sums over documents, linearised (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, section 6.4, ratio estimates over
 * clusters of unequal size), and carried through e^x by the delta method; Student's t with one degree of freedom fewer
 * than documents. Both models' sampling error counts, and what they share cancels. Throws `invalid("paired-length")`;
 * needs at least 2 documents.
 */
export function pairedPerplexity(first: Documents, second: Documents): Omit<PairedDifference, "method"> {
  const n = first.loss.length;
  if (n !== second.loss.length || n < 2 || first.items.some((count, i) => count !== second.items[i])) {
    throw invalid("paired-length", "Two models can only be compared on the same documents, at least two.", {
      found: `${n} and ${second.loss.length}`,
    });
  }
  const weights = first.items;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const meanOf = (loss: readonly number[]) => loss.reduce((sum, x, i) => sum + weights[i]! * x, 0) / total;
  const [a, b] = [meanOf(first.loss), meanOf(second.loss)];
  const [before, after] = [Math.exp(a), Math.exp(b)];
  // What each document moves the difference by; these sum to zero.
  const variance = weights.reduce((sum, weight, i) => {
    const pull = (weight / total) * (after * (second.loss[i]! - b) - before * (first.loss[i]! - a));
    return sum + pull * pull;
  }, 0);
  const difference = after - before;
  const reach = quantile(n - 1) * Math.sqrt((variance * n) / (n - 1));
  return { difference, low: difference - reach, high: difference + reach, samples: n };
}

function newcombe(first: ArrayLike<number>, second: ArrayLike<number>): PairedDifference {
  const n = first.length;
  const count = (a: number, b: number) =>
    Array.from(first).reduce((sum, x, i) => sum + Number(x === a && second[i] === b), 0);
  const [both, gained, lost, neither] = [count(1, 1), count(0, 1), count(1, 0), count(0, 0)];
  const p1 = (both + gained) / n;
  const p2 = (both + lost) / n;
  const [low1, high1] = wilson(p1, n);
  const [low2, high2] = wilson(p2, n);
  const product = (both + gained) * (lost + neither) * (both + lost) * (gained + neither);
  const raw = both * neither - gained * lost;
  // The continuity correction of method 10; the correlation is 0 where a margin is empty.
  const corrected = raw > 0 ? Math.max(raw - n / 2, 0) : raw;
  const phi = product === 0 ? 0 : corrected / Math.sqrt(product);
  const reach = (a: number, b: number) => Math.sqrt(Math.max(a * a - 2 * phi * a * b + b * b, 0));
  const difference = (gained - lost) / n;
  return {
    difference,
    low: difference - reach(p1 - low1, high2 - p2),
    high: difference + reach(high1 - p1, p2 - low2),
    samples: n,
    method: "newcombe",
  };
}

/** E. B. Wilson's score interval of a proportion, 1927. */
function wilson(p: number, n: number): readonly [number, number] {
  const middle = p + (Z * Z) / (2 * n);
  const reach = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
  const scale = 1 + (Z * Z) / n;
  return [(middle - reach) / scale, (middle + reach) / scale];
}

function student(first: ArrayLike<number>, second: ArrayLike<number>): PairedDifference {
  const n = first.length;
  const differences = Array.from(first, (x, i) => second[i]! - x);
  const difference = differences.reduce((sum, x) => sum + x, 0) / n;
  const variance = differences.reduce((sum, x) => sum + (x - difference) ** 2, 0) / (n - 1);
  const reach = quantile(n - 1) * Math.sqrt(variance / n);
  return { difference, low: difference - reach, high: difference + reach, samples: n, method: "student" };
}

/** Student's t at 0.975: a table up to 4 degrees of freedom, then Abramowitz and Stegun 26.7.5 (error below 0.002). */
function quantile(freedom: number): number {
  const few = [12.7062, 4.3027, 3.1824, 2.7764][freedom - 1];
  if (few !== undefined) return few;
  const g1 = (Z ** 3 + Z) / 4;
  const g2 = (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96;
  const g3 = (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384;
  return Z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3;
}
