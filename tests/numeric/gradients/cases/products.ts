// Gradient cases of products: MatMul, Gemm, Einsum.

import { float } from "../../../../src/ir/attributes.js";
import { type GradientCase, gradientCases } from "../../../support/gradients.js";

const bilinear = ["a", "b"];

const gemm = (name: string, a: number[], b: number[], more: Partial<GradientCase> = {}): GradientCase => ({
  name,
  inputs: { a, b, ...more.inputs },
  linear: bilinear,
  ...(more.attributes === undefined ? {} : { attributes: more.attributes }),
});

const einsum = (equation: string, ...operands: number[][]): GradientCase => ({
  name: equation,
  inputs: Object.fromEntries(operands.map((dims, index) => [String.fromCharCode(97 + index), dims])),
  attributes: { equation },
  linear: operands.map((_, index) => String.fromCharCode(97 + index)),
});

export const cases = [
  gradientCases("MatMul", [
    { name: "matrices", inputs: { a: [3, 5], b: [5, 2] }, linear: bilinear },
    { name: "square, twice the same shape", inputs: { a: [3, 3], b: [3, 3] }, linear: bilinear },
    { name: "a batch and one weight", inputs: { a: [2, 3, 5], b: [5, 4] }, linear: bilinear },
    { name: "two batch axes and one weight", inputs: { a: [2, 3, 4, 5], b: [5, 1] }, linear: bilinear },
    { name: "batched", inputs: { a: [2, 3, 5], b: [2, 5, 4] }, linear: bilinear },
    { name: "broadcast batches", inputs: { a: [2, 1, 3, 5], b: [4, 5, 2] }, linear: bilinear },
    { name: "one matrix from the left", inputs: { a: [3, 5], b: [2, 5, 4] }, linear: bilinear },
    { name: "a batch of 1 beside more", inputs: { a: [1, 3, 5], b: [4, 5, 2] }, linear: bilinear },
    { name: "vectors", inputs: { a: [5], b: [5] }, linear: bilinear },
    { name: "a vector from the left", inputs: { a: [5], b: [5, 3] }, linear: bilinear },
    { name: "a vector from the right", inputs: { a: [3, 5], b: [5] }, linear: bilinear },
    { name: "a vector from the left of a batch", inputs: { a: [5], b: [2, 5, 3] }, linear: bilinear },
    { name: "a vector from the right of a batch", inputs: { a: [2, 3, 5], b: [5] }, linear: bilinear },
  ]),
  gradientCases("com.microsoft:FusedMatMul", [
    {
      name: "both transposed, alpha",
      inputs: { a: [2, 5, 3], b: [4, 5] },
      attributes: { transA: 1, transB: 1, alpha: float(0.5) },
      definition: { graph: (emit, [a, b]) => [emit.scale(emit.matmul(emit.swap(a!), emit.swap(b!)), 0.5)] },
    },
    {
      name: "the second transposed",
      inputs: { a: [2, 3, 5], b: [2, 4, 5] },
      attributes: { transB: 1 },
      definition: { graph: (emit, [a, b]) => [emit.matmul(a!, emit.swap(b!))] },
    },
  ]),
  gradientCases("Gemm", [
    gemm("with bias", [3, 5], [5, 4], { inputs: { c: [4] } }),
    gemm("without bias", [3, 5], [5, 4]),
    gemm("transA, alpha, beta, bias a column", [5, 3], [5, 4], {
      inputs: { c: [3, 1] },
      attributes: { transA: 1, alpha: float(0.5), beta: float(-2) },
    }),
    gemm("transB, bias a scalar", [3, 5], [4, 5], { inputs: { c: [] }, attributes: { transB: 1, beta: float(3) } }),
    gemm("both transposed, full bias", [5, 3], [4, 5], {
      inputs: { c: [3, 4] },
      attributes: { transA: 1, transB: 1, alpha: float(0.25) },
    }),
    gemm("bias of one row", [3, 5], [5, 1], { inputs: { c: [1, 1] } }),
  ]),
  gradientCases("Einsum", [
    einsum("bij,bjk->bik", [2, 3, 4], [2, 4, 5]),
    einsum("bhid,bhjd->bhij", [2, 3, 4, 5], [2, 3, 6, 5]),
    einsum("ij,jk", [3, 4], [4, 2]),
    einsum("ba , ac", [3, 4], [4, 2]),
    einsum("...ij,jk->...ik", [2, 3, 4, 5], [5, 2]),
    einsum("...ij,...jk->...ik", [2, 1, 3, 4], [2, 5, 4, 2]),
    einsum("i,j->ij", [3], [4]),
    einsum("i,i->", [5], [5]),
    einsum("ij->ji", [3, 5]),
    einsum("ijk->ik", [2, 3, 4]),
    einsum("ij->", [3, 5]),
    einsum("...i->i...", [2, 3, 4]),
    einsum("...k", [2, 3]),
    einsum("ij,kl->il", [2, 3], [4, 5]),
    einsum("bi,bi->bi", [1, 3], [4, 3]),
    einsum("ab,bc,cd->ad", [2, 3], [3, 4], [4, 2]),
  ]),
];
