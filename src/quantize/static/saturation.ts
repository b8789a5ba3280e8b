// x64 processors without VNNI multiply uint8 by int8 with VPMADDUBSW, which adds the products of two neighbours in int16 and
// saturates: 255 * (a + b) passes 32767 where two neighbours of one sign add up to more than 128. Halving all weights, as
// `reduce_range` of other tools does, costs one bit everywhere; here only channels with such neighbours pay, as little as they can.

/** No two neighbours of one sign may add up to more: 255 * 128 = 32640 fits in int16, 255 * 129 does not. */
const MOST = 128;

/** A way in which a kernel sums the codes of a channel: position `at` of the sum to the index of the code. */
export type Order = (at: number) => number;

/** In the order of the axes, or (an image) channels last: both kernels of the runtime are provided for. */
export function ordersOf(sum: "matrix" | "image" | "depthwise", dims: readonly number[]): readonly Order[] {
  if (sum === "depthwise") return [];
  const own: Order = (at) => at;
  if (sum === "matrix") return [own];
  const channels = dims[0]!;
  const places = dims.slice(1).reduce((all, dim) => all * dim, 1);
  if (channels === 1 || places === 1) return [own];
  const last: Order = (at) => (at % channels) * places + Math.floor(at / channels);
  return [own, last];
}

/** How many times too large the worst pair is; at most 1: nothing can saturate. */
export function excess(codes: Float64Array, orders: readonly Order[]): number {
  let worst = 0;
  for (const order of orders) {
    for (let at = 0; at + 1 < codes.length; at += 2) {
      const [a, b] = [codes[order(at)]!, codes[order(at + 1)]!];
      if (a > 0 === b > 0) worst = Math.max(worst, Math.abs(a + b));
    }
  }
  return worst / MOST;
}

/** Draws the two codes of each pair that could saturate towards 0, alike, until none can. Codes are integers. */
export function withinPairs(codes: Float64Array, orders: readonly Order[]): void {
  for (const order of orders) {
    for (let at = 0; at + 1 < codes.length; at += 2) {
      const [i, j] = [order(at), order(at + 1)];
      const [a, b] = [codes[i]!, codes[j]!];
      const over = Math.abs(a + b) - MOST;
      if (over <= 0 || a > 0 !== b > 0) continue;
      // The larger one gives more where they cannot share evenly; neither changes its sign.
      const sign = Math.sign(a);
      const more = Math.ceil(over / 2);
      const less = over - more;
      const [x, y] = Math.abs(a) >= Math.abs(b) ? [more, less] : [less, more];
      codes[i] = a - sign * Math.min(x, Math.abs(a));
      codes[j] = b - sign * Math.min(y, Math.abs(b));
    }
  }
}
