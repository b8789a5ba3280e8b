// Smooth random signals: what images and sounds are like, and white noise is not. Arithmetic only, so that every machine
// draws the same.

import type { Random } from "../tensor/random.js";

/**
 * A picture in 0..1: value noise of a few octaves, each half as strong as the one before, and a little grain.
 * `height` x `width`, rows first.
 */
export function smoothPicture(height: number, width: number, random: Random): Float32Array {
  const picture = new Float32Array(height * width);
  let strength = 0.5;
  for (let cells = 2; cells <= 16; cells *= 2) {
    const grid = Float32Array.from({ length: (cells + 1) ** 2 }, () => random.next() - 0.5);
    for (let y = 0; y < height; y++) {
      const gy = (y / height) * cells;
      for (let x = 0; x < width; x++) {
        picture[y * width + x]! += strength * bilinear(grid, cells + 1, gy, (x / width) * cells);
      }
    }
    strength /= 2;
  }
  for (let i = 0; i < picture.length; i++) {
    picture[i] = Math.min(1, Math.max(0, 0.5 + 1.2 * picture[i]! + 0.02 * (random.next() - 0.5)));
  }
  return picture;
}

/** A sound in -1..1: noise of several pitches under a slow envelope. */
export function smoothSound(length: number, random: Random): Float32Array {
  const sound = new Float32Array(length);
  let strength = 0.4;
  for (let step = 64; step >= 2; step /= 2) {
    let from = random.next() - 0.5;
    let to = random.next() - 0.5;
    for (let i = 0; i < length; i++) {
      const at = i % step;
      if (at === 0) {
        from = to;
        to = random.next() - 0.5;
      }
      sound[i]! += strength * (from + ((to - from) * at) / step);
    }
    strength *= 0.6;
  }
  let loud = random.next();
  let next = random.next();
  for (let i = 0; i < length; i++) {
    const at = i % 4000;
    if (at === 0) {
      loud = next;
      next = random.next();
    }
    sound[i] = Math.min(1, Math.max(-1, sound[i]! * (0.1 + loud + ((next - loud) * at) / 4000)));
  }
  return sound;
}

function bilinear(grid: Float32Array, stride: number, y: number, x: number): number {
  const top = Math.floor(y);
  const left = Math.floor(x);
  const dy = y - top;
  const dx = x - left;
  const at = top * stride + left;
  const upper = grid[at]! + (grid[at + 1]! - grid[at]!) * dx;
  const lower = grid[at + stride]! + (grid[at + stride + 1]! - grid[at + stride]!) * dx;
  return upper + (lower - upper) * dy;
}
