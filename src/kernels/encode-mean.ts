// Scales of binary and ternary blocks: means of magnitudes. Plain reference, in float32.

import { laneSum } from "./encode-search.js";

/** `largest`: of the magnitudes. `steps`: of the grid, 1 or 2. What is not finite counts as 0. */
export function meanScale(values: Float32Array, largest: number, steps: number): number {
  // A power of two near the largest brings magnitudes to where sums of float32 have room.
  const power = 2 ** Math.max(-126, Math.min(126, Math.floor(Math.log2(largest || 1e-300))));
  const magnitude = (value: number) => Math.fround(Math.abs(value) / power);
  const mean = Math.fround(laneSum(values, magnitude) / Math.fround(values.length));
  return Math.fround((steps < 2 ? mean : ternaryScale(values, magnitude, mean)) * power);
}

function ternaryScale(values: Float32Array, magnitude: (value: number) => number, mean: number): number {
  let scale = 0;
  let threshold = Math.fround(mean * Math.fround(0.7));
  // The error falls with every step, so that it ends; the bound is for steps of one last place.
  for (let i = 0; i < LLOYD_STEPS; i++) {
    const above = (value: number) => magnitude(value) > threshold;
    const found = values.filter((value) => Number.isFinite(value) && above(value)).length;
    if (found === 0) break;
    scale = Math.fround(laneSum(values, (value) => (above(value) ? magnitude(value) : 0)) / Math.fround(found));
    const next = Math.fround(scale * 0.5);
    if (next === threshold) break;
    threshold = next;
  }
  return scale;
}

const LLOYD_STEPS = 12;
