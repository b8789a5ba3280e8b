// Scores as integers of the same order, so that thresholds are found by counting bits instead of sorting.

const words = (scores: Float32Array) => new Uint32Array(scores.buffer, scores.byteOffset, scores.length);

/** For each score an unsigned 32-bit integer, ordered as the scores are: -0 is 0, infinities and denormals in their places. */
export function orderedKeys(scores: Float32Array): Uint32Array {
  const bits = words(scores);
  const keys = new Uint32Array(bits.length);
  for (let at = 0; at < bits.length; at++) {
    const word = bits[at]!;
    // Of negative numbers a larger magnitude is less: all bits are turned. 0x80000000 is -0.
    keys[at] = word > 0x80000000 ? ~word : word | 0x80000000;
  }
  return keys;
}

/** Keys below `key` go, and of those equal to it the first `ties`. */
interface Threshold {
  readonly key: number;
  readonly ties: number;
}

/** The `count` least of one list, lower index first where they are equal. 0 <= count <= length. */
export function leastOf(keys: Uint32Array, count: number): Threshold {
  const search = new KeySearch(count);
  search.addHigh(keys, 1);
  search.settleHigh();
  search.addLow(keys, 1);
  const { key, before } = search.settle();
  return { key, ties: count - before };
}

const HALF = 65536;

/**
 * The least key at which the running sum of weights reaches `goal`, found in two passes over all keys: one counts their
 * upper 16 bits, one the lower 16 bits of those in the bucket where the goal lies (Knuth, TAOCP 3, 5.2.5: radix exchange).
 */
export class KeySearch {
  readonly #sums = new Float64Array(HALF);
  #bucket = 0;
  #before = 0;

  constructor(private readonly goal: number) {}

  /** First pass. `weight`: of each key. */
  addHigh(keys: Uint32Array, weight: number): void {
    for (let at = 0; at < keys.length; at++) this.#sums[keys[at]! >>> 16]! += weight;
  }

  settleHigh(): void {
    this.#bucket = this.#advance();
    this.#sums.fill(0);
  }

  /** Second pass, over the same keys. */
  addLow(keys: Uint32Array, weight: number): void {
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at]!;
      if (key >>> 16 === this.#bucket) this.#sums[key & 0xffff]! += weight;
    }
  }

  /** `before`: the weights of all smaller keys. */
  settle(): { readonly key: number; readonly before: number } {
    const low = this.#advance();
    return { key: this.#bucket * HALF + low, before: this.#before };
  }

  /** The first part with weight in which the goal is reached; the last with weight where sums of fractions fall short of it. */
  #advance(): number {
    let last = 0;
    let beforeLast = this.#before;
    for (let part = 0; part < HALF; part++) {
      const sum = this.#sums[part]!;
      if (sum === 0) continue;
      [last, beforeLast] = [part, this.#before];
      if (this.#before + sum >= this.goal) return part;
      this.#before += sum;
    }
    this.#before = beforeLast;
    return last;
  }
}
