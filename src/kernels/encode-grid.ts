// A grid as something that rounds: the plain meaning of both kinds. A place is an index into the levels in ascending order.

import type { Grid } from "./jobs.js";
import { roundHalfEven } from "./numbers.js";

export interface Coder {
  /** The largest magnitude of a level. */
  readonly largest: number;
  /** Integers: the lowest number and how many steps there are. */
  readonly low: number;
  readonly steps: number;
  /** The code of 0 of an integer grid where no other zero point is in force; 0 for levels. */
  readonly zeroPoint: number;
  /** The place of a quotient (float32); NaN is as 0. With `draw`, in [0, 1), stochastic. */
  place(quotient: number, zeroPoint: number, draw?: number): number;
  zero(zeroPoint: number): number;
  level(place: number, zeroPoint: number): number;
  code(place: number): number;
}

export function coderOf(grid: Grid): Coder {
  return grid.kind === "integer" ? integers(grid.low, grid.high) : levelled(grid);
}

function integers(low: number, high: number): Coder {
  const steps = high - low;
  return {
    largest: Math.max(Math.abs(low), Math.abs(high)),
    low,
    steps,
    zeroPoint: -low,
    place(quotient, zeroPoint, draw) {
      const number = Number.isNaN(quotient) ? 0 : quotient;
      const inside = Math.min(Math.max(number, -zeroPoint), steps - zeroPoint);
      if (draw === undefined) return roundHalfEven(inside) + zeroPoint;
      const down = Math.floor(inside);
      return down + (draw < inside - down ? 1 : 0) + zeroPoint;
    },
    zero: (zeroPoint) => zeroPoint,
    level: (place, zeroPoint) => place - zeroPoint,
    code: (place) => place,
  };
}

function levelled({ levels, thresholds, codes }: Extract<Grid, { kind: "levels" }>): Coder {
  const last = levels.length - 1;
  const nearest = (number: number): number => {
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (number >= thresholds[middle]!) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const between = (number: number, draw: number): number => {
    let place = 0;
    while (place < last && number >= levels[place + 1]!) place++;
    if (place === last || number <= levels[place]!) return place;
    const lower = levels[place]!;
    return draw < (number - lower) / (levels[place + 1]! - lower) ? place + 1 : place;
  };
  return {
    largest: Math.max(Math.abs(levels[0]!), Math.abs(levels[last]!)),
    low: 0,
    steps: last,
    zeroPoint: 0,
    place(quotient, _, draw) {
      const number = Number.isNaN(quotient) ? 0 : quotient;
      return draw === undefined || Number.isNaN(quotient) ? nearest(number) : between(number, draw);
    },
    zero: () => nearest(0),
    level: (place) => levels[place]!,
    code: (place) => codes[place]!,
  };
}
