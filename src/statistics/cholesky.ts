// The triangular factor that error feedback needs, in float64: of a symmetric positive definite H the upper triangular U with
// U^T U = inverse(H), without the inverse itself: H = R R^T with R upper triangular, and U is the inverse of R.

/** [m, k] times [k, n], row after row. */
export type Multiply = (
  a: Float64Array,
  b: Float64Array,
  sizes: { readonly m: number; readonly k: number; readonly n: number },
) => Promise<Float64Array>;

/** Columns that are factored at a time; the rest is one product. */
const PANEL = 128;

/**
 * `matrix`: [size, size], symmetric; only its upper triangle is read, and it is overwritten by the result, whose lower triangle
 * is 0. False: it is not positive definite (not at all, or not in float64).
 */
export async function inverseFactor(matrix: Float64Array, size: number, multiply: Multiply): Promise<boolean> {
  if (!(await reversedCholesky(matrix, size, multiply))) return false;
  await invertUpper(matrix, size, multiply);
  return true;
}

/** The upper triangle becomes R. From the last column to the first: what is left of H loses the columns that are done. */
async function reversedCholesky(a: Float64Array, size: number, multiply: Multiply): Promise<boolean> {
  const column = new Float64Array(size);
  for (let end = size; end > 0; end -= PANEL) {
    const start = Math.max(0, end - PANEL);
    for (let j = end - 1; j >= start; j--) {
      const diagonal = a[j * size + j]!;
      if (!(diagonal > 0) || !Number.isFinite(diagonal)) return false;
      const root = Math.sqrt(diagonal);
      for (let i = 0; i <= j; i++) {
        column[i] = a[i * size + j]! / root;
        a[i * size + j] = column[i]!;
      }
      // Within the panel at once, for all rows above.
      for (let i = 0; i <= j; i++) {
        const factor = column[i]!;
        const row = i * size;
        for (let k = Math.max(i, start); k < j; k++) a[row + k] = a[row + k]! - factor * column[k]!;
      }
    }
    if (start === 0) break;
    const width = end - start;
    const panel = new Float64Array(start * width);
    const turned = new Float64Array(width * start);
    for (let i = 0; i < start; i++) {
      for (let k = 0; k < width; k++) {
        const value = a[i * size + start + k]!;
        panel[i * width + k] = value;
        turned[k * start + i] = value;
      }
    }
    const less = await multiply(panel, turned, { m: start, k: width, n: start });
    for (let i = 0; i < start; i++) {
      for (let j = i; j < start; j++) a[i * size + j] = a[i * size + j]! - less[i * start + j]!;
    }
  }
  for (let i = 1; i < size; i++) a.fill(0, i * size, i * size + i);
  return true;
}

/** In place, block of rows after block of rows from the last: inverse = D^-1 (I - rest * inverse of the rows below). */
async function invertUpper(a: Float64Array, size: number, multiply: Multiply): Promise<void> {
  for (let start = Math.floor((size - 1) / PANEL) * PANEL; start >= 0; start -= PANEL) {
    const end = Math.min(size, start + PANEL);
    const [height, below] = [end - start, size - end];
    let right: Float64Array | undefined;
    if (below > 0) {
      const beside = new Float64Array(height * below);
      for (let i = 0; i < height; i++) {
        beside.set(a.subarray((start + i) * size + end, (start + i + 1) * size), i * below);
      }
      const inverse = new Float64Array(below * below);
      for (let i = 0; i < below; i++) inverse.set(a.subarray((end + i) * size + end, (end + i + 1) * size), i * below);
      right = await multiply(beside, inverse, { m: height, k: below, n: below });
    }
    // Row i of the inverse, from the last: (e_i - sum over k > i of R[i][k] row k) / R[i][i].
    for (let i = end - 1; i >= start; i--) {
      const row = new Float64Array(size - start);
      row[i - start] = 1;
      for (let k = i + 1; k < end; k++) {
        const factor = a[i * size + k]!;
        if (factor === 0) continue;
        for (let j = k; j < size; j++) row[j - start] = row[j - start]! - factor * a[k * size + j]!;
      }
      if (right) {
        for (let j = 0; j < below; j++) {
          row[end + j - start] = row[end + j - start]! - right[(i - start) * below + j]!;
        }
      }
      const diagonal = a[i * size + i]!;
      for (let j = i; j < size; j++) a[i * size + j] = row[j - start]! / diagonal;
    }
  }
}

/** In plain loops. */
export const multiplyHere: Multiply = async (a, b, { m, k, n }) => {
  const product = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    const row = product.subarray(i * n, (i + 1) * n);
    for (let l = 0; l < k; l++) {
      const factor = a[i * k + l]!;
      if (factor === 0) continue;
      const from = l * n;
      for (let j = 0; j < n; j++) row[j] = row[j]! + factor * b[from + j]!;
    }
  }
  return product;
};
