// What the kernels of the "encode" job share between calls: the grid, the scaling and the draws in force. Set by the caller
// (../encode.ts) before the calls they hold for.

// @ts-ignore: decorator
@inline export const INTEGERS: i32 = 0;
/** Levels that are numbers of a float format, rounded by arithmetic. */
// @ts-ignore: decorator
@inline export const FLOATS: i32 = 1;
/** Up to 16 levels, which are counted. */
// @ts-ignore: decorator
@inline export const FEW: i32 = 2;
/** More: looked for. */
// @ts-ignore: decorator
@inline export const MANY: i32 = 3;

/** One of the four. */
export let kind: i32 = 0;
/** Integers: the lowest number; how many steps from it to the highest. */
export let low: f32 = 0;
export let steps: f32 = 0;
/** The code of zero where scaling does not make its own. */
export let zeroPoint: f32 = 0;
/**
 * Levels: u8[65536], by the upper 16 bits of a quotient, the place of the smallest number with those bits; 0: not made, places
 * are searched for.
 */
export let guesses: usize = 0;
/** Levels: f32[256], NaN where there is none: the smallest number of place i + 1. */
export let thresholds: usize = 0;
/** Levels by place: f32[256] numbers and u8[256] codes. */
export let numbers: usize = 0;
export let names: usize = 0;
/** At most 16 levels: u8[4][16], byte i of the number at each place. */
export let planes: usize = 0;
/** Half of the smallest power of two that is not below the number of levels. */
export let half: i32 = 0;

export function useGrid(
  gridKind: i32, lowest: f32, stepCount: f32, zero: f32,
  guessTable: usize, thresholdTable: usize, numberTable: usize, nameTable: usize, planeTable: usize, firstHalf: i32,
): void {
  kind = gridKind;
  low = lowest;
  steps = stepCount;
  zeroPoint = zero;
  guesses = guessTable;
  thresholds = thresholdTable;
  numbers = numberTable;
  names = nameTable;
  planes = planeTable;
  half = firstHalf;
}

/** Of a float format: bits of the mantissa, smallest normal and largest number, and how far a float32's sign is from its own. */
export let mantissa: i32 = 0;
export let smallestNormal: f32 = 0;
export let largestNumber: f32 = 0;
export let signShift: i32 = 0;

export function useFloat(bits: i32, normal: f32, largest: f32, shift: i32): void {
  mantissa = bits;
  smallestNormal = normal;
  largestNumber = largest;
  signShift = shift;
}

/** 0 signed, 1 absolute, 2 affine, 3 mean. */
export let scaling: i32 = 0;
/** What the largest magnitude is divided by. */
export let divisor: f32 = 1;
/** 0 float32, 1 float16, 2 shared16, 3 float8e8m0, 4 float8e4m3fn. */
export let format: i32 = 0;
export let tensorScale: f32 = 1;

export function useScaling(kind: i32, divided: f32, storedAs: i32, ofTensor: f32): void {
  scaling = kind;
  divisor = divided;
  format = storedAs;
  tensorScale = ofTensor;
}

export let stochastic: bool = false;
/** The keys of `drawKeys` for indices below the border, and from there on. */
let key0: i32 = 0;
let key1: i32 = 0;
let next0: i32 = 0;
let next1: i32 = 0;
let border: u64 = 0;

export function useDraws(on: bool, a: i32, b: i32, c: i32, d: i32, nextFrom: f64): void {
  stochastic = on;
  key0 = a;
  key1 = b;
  next0 = c;
  next1 = d;
  border = <u64>nextFrom;
}

/** `drawAt` of ../../../tensor/random.ts, in [0, 1). */
// @ts-ignore: decorator
@inline export function draw(index: u64): f64 {
  const later = index >= border;
  const bits = mix(mix(<i32>index + (later ? next0 : key0)) ^ (later ? next1 : key1));
  return <f64>(<u32>bits) * (1.0 / 4294967296.0);
}

// @ts-ignore: decorator
@inline function mix(word: i32): i32 {
  let z = <u32>word;
  z = (z ^ (z >> 16)) * 0x21f0aaad;
  z = (z ^ (z >> 15)) * 0x735a2d97;
  return <i32>(z ^ (z >> 15));
}
