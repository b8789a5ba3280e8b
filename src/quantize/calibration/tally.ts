// What was observed of one value so far, in memory that does not grow with the samples.

import { type Bins, HistogramSum } from "./histogram.js";
import type { Statistics } from "./ranges/index.js";

/** One sample's part. Of an empty value nothing is added. */
export interface Part {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly squares: number;
  /** False: there were numbers that are not finite; the rest means nothing. */
  readonly finite: boolean;
}

/** Per-sample extremes kept: beyond twice as many samples, those of evenly spaced ones. */
const KEPT = 4096;

export class Tally {
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #sum = 0;
  #squares = 0;
  #samples = 0;
  #stride = 1;
  #notFinite: string | undefined;
  #lows: number[] = [];
  #highs: number[] = [];
  #moving: { low: number; high: number } | undefined;
  readonly histogram = new HistogramSum();

  constructor(readonly momentum: number) {}

  get empty(): boolean {
    return this.#count === 0;
  }

  /** The first sample in which it was not finite, if there is one: it has no range then. */
  get notFinite(): string | undefined {
    return this.#notFinite;
  }

  add({ count, min, max, sum, squares, finite }: Part, id: string): void {
    if (!finite) this.#notFinite ??= id;
    if (count === 0 || !finite) return;
    this.#count += count;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    this.#sum += sum;
    this.#squares += squares;
    const { low, high } = this.#moving ?? { low: min, high: max };
    this.#moving = { low: low + this.momentum * (min - low), high: high + this.momentum * (max - high) };
    if (this.#samples % this.#stride === 0) {
      this.#lows.push(min);
      this.#highs.push(max);
      if (this.#lows.length === 2 * KEPT) this.#thin();
    }
    this.#samples++;
  }

  addBins(part: Part, bins: Bins, id: string): void {
    this.add(part, id);
    if (part.finite) this.histogram.add(bins);
  }

  /** Few numbers, without a kernel. */
  addNumbers(numbers: ArrayLike<number>, id: string): void {
    let [min, max, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    let finite = true;
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i]!;
      finite &&= Number.isFinite(number);
      if (number < min) min = number;
      if (number > max) max = number;
      sum += number;
      squares += number * number;
    }
    this.add({ count: numbers.length, min: min + 0, max: max + 0, sum, squares, finite }, id);
    if (finite) this.histogram.addNumbers(numbers, min, max);
  }

  /** Call only where it is neither empty nor not finite. */
  done(): Statistics {
    const mean = this.#sum / this.#count;
    return {
      min: this.#min,
      max: this.#max,
      // Rounding must not put the mean of equal numbers beside them.
      mean: Math.min(Math.max(mean, this.#min), this.#max),
      deviation: this.#min === this.#max ? 0 : Math.sqrt(Math.max(0, this.#squares / this.#count - mean * mean)),
      lows: this.#lows,
      highs: this.#highs,
      moving: this.#moving ?? { low: 0, high: 0 },
      histogram: this.histogram.done(),
    };
  }

  #thin(): void {
    this.#stride *= 2;
    this.#lows = this.#lows.filter((_, at) => at % 2 === 0);
    this.#highs = this.#highs.filter((_, at) => at % 2 === 0);
  }
}
