// Pieces of a result that belong between those of other slabs.

/** Puts runs of a piece `stride` apart, from `at` on. */
export function interleave<T extends Uint8Array | Float32Array>(
  whole: T,
  piece: T,
  run: number,
  stride: number,
  at: number,
) {
  // A view for each run takes longer to make than a short run to copy.
  const long = run > 64;
  for (let from = 0, to = at; from < piece.length; from += run, to += stride) {
    if (long) whole.set(piece.subarray(from, from + run), to);
    else for (let i = 0; i < run; i++) whole[to + i] = piece[from + i]!;
  }
}
