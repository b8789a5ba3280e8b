// Seeded random numbers, the same on every machine: xoshiro128** in 32-bit integer arithmetic, seeded by SplitMix32.

export interface Random {
  /** Uniform in [0, 1), with 32 bits. */
  next(): number;
  /** Normal with mean 0 and variance 1 (a sum of uniforms: no `Math.log`, whose last bit differs between engines). */
  normal(): number;
  /** A uniform integer in [0, n), for 1 <= n <= 2^32. Unbiased. */
  int(n: number): number;
}

/**
 * A generator that depends on `seed` only (an integer; its low 32 bits and the 21 above count).
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021).
 */
export function random(seed: number): Random {
  const words = splitMix(seed);
  let a = words();
  let b = words();
  let c = words();
  let d = words();
  const bits = (): number => {
    const scrambled = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return scrambled;
  };
  const next = () => bits() / 2 ** 32;
  return {
    next,
    // Irwin-Hall: twelve uniforms have variance 1. Tails end at 6, which is enough for weights and inputs.
    normal: () => {
      let sum = -6;
      for (let i = 0; i < 12; i++) sum += next();
      return sum;
    },
    int: (n) => {
      // Values from the last, incomplete run of n would favour small results: draw again.
      const limit = 2 ** 32 - (2 ** 32 % n);
      for (;;) {
        const drawn = bits();
        if (drawn < limit) return drawn % n;
      }
    },
  };
}

/**
 * The number in [0, 1), with 32 bits, that belongs to `index` (an integer, 0 <= index < 2^53) under `seed` (an integer; its low
 * 32 bits and the 21 above count). It depends on nothing else: elements may be rounded stochastically in any order, in slabs of
 * any size, on any number of threads. Only 32-bit multiplications, xors and shifts: kernels take the two keys of
 * `drawKeys(seed, floor(index / 2^32))` and compute
 * `mix(mix(low + keys[0]) ^ keys[1])` for the low 32 bits of each index, where mix(z) is
 * z = (z ^ z >>> 16) * 0x21f0aaad; z = (z ^ z >>> 15) * 0x735a2d97; z ^ z >>> 15.
 */
export function drawAt(seed: number, index: number): number {
  const [first, second] = drawKeys(seed, Math.floor(index / 2 ** 32));
  return (mix(mix(((index | 0) + first) | 0) ^ second) >>> 0) / 2 ** 32;
}

/** The two words (signed 32-bit) that `drawAt` makes of the seed and the high part of an index: constant over 2^32 elements. */
export function drawKeys(seed: number, high: number): readonly [number, number] {
  const state = foldSeed(seed);
  return [mix((state + GOLDEN) ^ high), mix(state + 2 * GOLDEN + Math.imul(high, GOLDEN))];
}

const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));

/** 2^32 over the golden ratio, odd: its multiples are spread evenly (Weyl sequence). */
const GOLDEN = 0x9e3779b9;

const foldSeed = (seed: number) => (seed ^ Math.imul(Math.floor(seed / 2 ** 32), GOLDEN)) | 0;

function splitMix(seed: number): () => number {
  let state = foldSeed(seed);
  return () => {
    state = (state + GOLDEN) | 0;
    return mix(state);
  };
}

/** A bijection of 32-bit integers in which every bit of the input changes about half of the output's (SplitMix32's). */
function mix(word: number): number {
  let z = word;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}
