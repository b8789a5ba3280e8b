// float16 and bfloat16 as bit patterns: exact conversions, rounding half to even (IEEE 754-2008, 4.3.1).
// Every NaN becomes the quiet NaN of its sign (0x7e00, 0x7fc0), so that results do not depend on the machine.

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** Bits of the float16 nearest to a float32 value; beyond 65504 + half a step: infinity. */
export function toFloat16Bits(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal in float16: adding 0.5 shifts the mantissa into place and the addition rounds it half to even.
    float[0] = Math.abs(value) + 0.5;
    return sign | (word[0]! - 0x3f000000);
  }
  // Rebias the exponent, round half to even by adding 0xfff and the last kept bit; a carry may reach infinity: right.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** The value of a float16 bit pattern, exact. */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 0x3ff;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** float32 values to float16 bit patterns. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = toFloat16Bits(values[i]!);
  return bits;
}

/** float16 bit patterns to float32 values, exact. */
export function fromFloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, code) => fromFloat16Bits(code));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]!]!;
  return values;
}

/** Bits of the bfloat16 nearest to a float32 value. */
export function toBfloat16Bits(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The value of a bfloat16 bit pattern, exact. */
export function fromBfloat16Bits(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}

export function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = toBfloat16Bits(values[i]!);
  return bits;
}

export function fromBfloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/**
 * Values as float16 times one power of two, `factor`, which brings the largest magnitude to between 2^14 and 2^15: eleven bits for
 * all that are not 2^28 times smaller, whatever their size. Finite values only.
 */
export function toSharedFloat16(values: Float32Array): {
  readonly bits: Uint16Array<ArrayBuffer>;
  readonly factor: number;
} {
  float[0] = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (float[0] === 0) return { bits: new Uint16Array(values.length), factor: 1 };
  // Not below 2^-126: the factor is a normal float32.
  const factor = 2 ** Math.max(-126, (word[0]! >>> 23) - 127 - 14);
  return { bits: toFloat16(values.map((value) => value / factor)), factor };
}

/** All 65536 values; made at first use. */
let table: Float32Array | undefined;
