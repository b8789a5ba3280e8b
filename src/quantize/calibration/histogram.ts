// How numbers are spread, in constant memory: counts in bins of equal width. Widths are powers of two and bin 0 begins at 0:
// when a number does not fit, neighbours become one bin, exactly. So the result is the same in whatever order, and in
// however many parts, the numbers come.

import { exponentFor, SIDE } from "../../kernels/uniform-bins.js";

/** Bin `first + i` holds numbers from (first + i) * width to below (first + i + 1) * width; zeros are counted apart. */
export interface Histogram {
  readonly width: number;
  readonly first: number;
  readonly counts: Float64Array;
  readonly zeros: number;
  /** All numbers, zeros too. */
  readonly total: number;
}

/** What the kernel gives for one part. */
export interface Bins {
  readonly exponent: number;
  readonly first: number;
  readonly counts: ArrayLike<number>;
  readonly zeros: number;
}

export class HistogramSum {
  #exponent = exponentFor(0);
  #zeros = 0;
  /** Counts of bins 0, 1 ... and -1, -2 ...; made when first needed. Counts may pass 32 bits. */
  readonly #sides: [positive: Float64Array | undefined, negative: Float64Array | undefined] = [undefined, undefined];

  /** The width so far, as a power of two: parts need not be finer. */
  get exponent(): number {
    return this.#exponent;
  }

  add({ exponent, first, counts, zeros }: Bins): void {
    this.#zeros += zeros;
    if (counts.length === 0) return;
    this.#widen(exponent);
    const shift = Math.min(this.#exponent - exponent, 31);
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!;
      if (count === 0) continue;
      const bin = first + i;
      if (bin >= 0) this.#side(0)[bin >> shift]! += count;
      else this.#side(1)[(-1 - bin) >> shift]! += count;
    }
  }

  /** Few numbers, without a kernel. They are finite. */
  addNumbers(numbers: ArrayLike<number>, min: number, max: number): void {
    if (numbers.length === 0) return;
    if (min !== 0 || max !== 0) this.#widen(exponentFor(Math.max(-min, max)));
    const inverse = 2 ** -this.#exponent;
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i]!;
      if (number === 0) this.#zeros++;
      else {
        const bin = Math.floor(Math.fround(number * inverse));
        if (bin >= 0) this.#side(0)[bin]! += 1;
        else this.#side(1)[-1 - bin]! += 1;
      }
    }
  }

  /** Undefined where there was no number but 0. */
  done(): Histogram | undefined {
    const [positive, negative] = this.#sides;
    const above = lengthOf(positive);
    const below = lengthOf(negative);
    if (above + below === 0) return undefined;
    const counts = new Float64Array(above + below);
    if (positive) counts.set(positive.subarray(0, above), below);
    if (negative) counts.set(negative.slice(0, below).reverse());
    const total = counts.reduce((sum, count) => sum + count, this.#zeros);
    return { width: 2 ** this.#exponent, first: -below, counts, zeros: this.#zeros, total };
  }

  #side(which: 0 | 1): Float64Array {
    this.#sides[which] ??= new Float64Array(SIDE);
    return this.#sides[which];
  }

  #widen(exponent: number): void {
    if (exponent <= this.#exponent) return;
    const shift = Math.min(exponent - this.#exponent, 31);
    this.#exponent = exponent;
    for (const side of this.#sides) {
      if (side === undefined) continue;
      // Bin `from` goes to `from >> shift`, which has been read by then.
      for (let from = 0; from < SIDE; from++) {
        const count = side[from]!;
        side[from] = 0;
        side[from >> shift]! += count;
      }
    }
  }
}

function lengthOf(side: Float64Array | undefined): number {
  let length = side?.length ?? 0;
  while (length > 0 && side![length - 1] === 0) length--;
  return length;
}

/** The number below which a share (0 to 1) of all numbers lies, those of a bin taken as evenly spread over it. */
export function quantile({ width, first, counts, zeros, total }: Histogram, share: number): number {
  const wanted = share * total;
  let below = 0;
  let passed = false;
  let last = 0;
  for (let i = 0; i <= counts.length; i++) {
    if (!passed && (first + i >= 0 || i === counts.length)) {
      passed = true;
      below += zeros;
      if (zeros > 0) {
        if (below >= wanted) return 0;
        last = 0;
      }
    }
    const count = counts[i] ?? 0;
    if (count === 0) continue;
    if (below + count >= wanted) return (first + i + Math.max(0, (wanted - below) / count)) * width;
    below += count;
    last = (first + i + 1) * width;
  }
  // Rounding made the share a little more than all.
  return last;
}

/** The same numbers in at most `most` bins on either side of 0. */
export function coarser(histogram: Histogram, most: number): Histogram {
  const { width, first, counts } = histogram;
  let shift = 0;
  while (Math.max(-first, first + counts.length) > most * 2 ** shift) shift++;
  if (shift === 0) return histogram;
  const begin = first >> shift;
  const merged = new Float64Array(((first + counts.length - 1) >> shift) - begin + 1);
  for (let i = 0; i < counts.length; i++) merged[((first + i) >> shift) - begin]! += counts[i]!;
  return { ...histogram, width: width * 2 ** shift, first: begin, counts: merged };
}
