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

const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));

function splitMix(seed: number): () => number {
  let state = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b9)) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
}
