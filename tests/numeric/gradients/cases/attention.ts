// Attention in all its forms, rotary positions, and what ONNX Runtime fuses: compared with the kernels, and differentiated.

import { gradientCases } from "../../../support/gradients.js";
import { loweredCases, loweredTo } from "../../../support/lowered.js";

const floatAttribute = (value: number) => ({ type: "float" as const, value: Math.fround(value) });
const int32 = (dims: readonly number[], values: readonly number[]) => ({ dims, values, dtype: "int32" as const });
const int64 = (dims: readonly number[], values: readonly number[]) => ({ dims, values, dtype: "int64" as const });

const heads = { q: [2, 2, 3, 4], k: [2, 2, 5, 4], v: [2, 2, 5, 6] };
const packed = { x: [2, 3, 8], w: [8, 24], b: [24] };
const separate = { q: [2, 3, 8], k: [2, 5, 8], v: [2, 5, 12], b: [28] };

export const cases = [
  loweredCases("Attention", [
    { name: "in heads", inputs: heads, opset: 23 },
    {
      name: "flat, two queries a key, causal, scale",
      inputs: { q: [2, 3, 16], k: [2, 3, 8], v: [2, 3, 12] },
      attributes: { q_num_heads: 4, kv_num_heads: 2, is_causal: 1, scale: floatAttribute(0.3) },
      opset: 23,
    },
    {
      name: "an added mask, soft cap",
      inputs: { ...heads, mask: [3, 5] },
      attributes: { softcap: floatAttribute(2) },
      opset: 23,
    },
    {
      name: "a mask of booleans",
      inputs: heads,
      constants: { mask: { dims: [3, 5], values: [1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0, 1], dtype: "bool" } },
      opset: 23,
    },
    {
      name: "cached keys and values, causal",
      inputs: { q: [1, 2, 3, 4], k: [1, 2, 3, 4], v: [1, 2, 3, 4], pk: [1, 2, 2, 4], pv: [1, 2, 2, 4] },
      order: ["q", "k", "v", "", "pk", "pv"],
      attributes: { is_causal: 1 },
      outputs: 3,
      opset: 23,
    },
  ]),
  loweredCases("com.microsoft:Attention", [
    { name: "plain", inputs: packed, attributes: { num_heads: 2 } },
    {
      name: "mask of keys, scale, filter",
      inputs: packed,
      constants: { mask: int32([2, 3], [1, 1, 0, 1, 1, 1]) },
      attributes: { num_heads: 2, scale: floatAttribute(0.4), mask_filter_value: floatAttribute(-5) },
    },
    { name: "right ends", inputs: packed, constants: { mask: int32([2], [2, 3]) }, attributes: { num_heads: 4 } },
    {
      name: "ends and starts",
      inputs: packed,
      constants: { mask: int32([4], [3, 2, 1, 0]) },
      attributes: { num_heads: 4 },
    },
    {
      name: "mask of pairs",
      inputs: packed,
      constants: { mask: int32([2, 3, 3], [1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]) },
      attributes: { num_heads: 2 },
    },
    {
      name: "unidirectional, past, added scores, three widths",
      inputs: { x: [2, 3, 8], w: [8, 28], b: [28], added: [2, 2, 3, 3] },
      order: ["x", "w", "b", "", "", "added"],
      attributes: { num_heads: 2, unidirectional: 1, qkv_hidden_sizes: [8, 8, 12] },
    },
    {
      name: "past and present",
      inputs: { ...packed, past: [2, 2, 2, 2, 4] },
      order: ["x", "w", "b", "", "past"],
      attributes: { num_heads: 2, unidirectional: 1 },
      outputs: 2,
    },
  ]),
  loweredCases("com.microsoft:MultiHeadAttention", [
    { name: "bias, values of another width", inputs: separate, attributes: { num_heads: 2 } },
    {
      name: "mask of keys, added scores, scale",
      inputs: { ...separate, added: [1, 2, 3, 5] },
      constants: { mask: int32([2, 5], [1, 1, 1, 1, 0, 1, 1, 1, 0, 0]) },
      order: ["q", "k", "v", "b", "mask", "added"],
      attributes: { num_heads: 2, scale: floatAttribute(0.4), mask_filter_value: floatAttribute(-4) },
    },
    {
      name: "unidirectional, no bias, right ends",
      inputs: { q: [2, 3, 8], k: [2, 3, 8], v: [2, 3, 8] },
      constants: { mask: int32([2], [3, 2]) },
      order: ["q", "k", "v", "", "mask"],
      attributes: { num_heads: 4, unidirectional: 1 },
    },
    {
      name: "past and present",
      inputs: { q: [2, 3, 8], k: [2, 3, 8], v: [2, 3, 8], pk: [2, 2, 2, 4], pv: [2, 2, 2, 4] },
      order: ["q", "k", "v", "", "", "", "pk", "pv"],
      attributes: { num_heads: 2 },
      outputs: 3,
    },
    {
      name: "keys and values in heads",
      inputs: { q: [2, 3, 8], k: [2, 2, 5, 4], v: [2, 2, 5, 4] },
      attributes: { num_heads: 2 },
    },
  ]),
  loweredCases("com.microsoft:GroupQueryAttention", [
    {
      name: "two queries a key, rotary",
      inputs: { q: [2, 3, 64], k: [2, 3, 32], v: [2, 3, 32], cos: [5, 8], sin: [5, 8] },
      constants: { lengths: int32([2], [2, 2]), total: int32([], [3]) },
      order: ["q", "k", "v", "", "", "lengths", "total", "cos", "sin"],
      attributes: { num_heads: 4, kv_num_heads: 2, do_rotary: 1 },
    },
    {
      name: "packed, window, soft cap, scale",
      inputs: { q: [2, 4, 64] },
      constants: { lengths: int32([2], [3, 3]), total: int32([], [4]) },
      order: ["q", "", "", "", "", "lengths", "total"],
      attributes: {
        num_heads: 4,
        kv_num_heads: 2,
        local_window_size: 2,
        softcap: floatAttribute(3),
        scale: floatAttribute(0.2),
      },
    },
  ]),
  loweredCases("RotaryEmbedding", [
    {
      name: "halves, flat, by position",
      inputs: { x: [2, 3, 8], cos: [5, 2], sin: [5, 2] },
      constants: { places: int64([2, 3], [0, 1, 2, 4, 2, 3]) },
      attributes: { num_heads: 2 },
      opset: 23,
    },
    {
      name: "neighbours, part of each head, angles as they stand",
      inputs: { x: [2, 2, 3, 6], cos: [2, 3, 2], sin: [2, 3, 2] },
      attributes: { interleaved: 1, rotary_embedding_dim: 4 },
      opset: 23,
    },
  ]),
  loweredCases("com.microsoft:RotaryEmbedding", [
    {
      name: "halves, flat",
      inputs: { x: [2, 3, 8], cos: [5, 2], sin: [5, 2] },
      constants: { places: int64([2, 3], [0, 1, 2, 4, 2, 3]) },
      order: ["x", "places", "cos", "sin"],
    },
    {
      name: "neighbours, in heads, from a first position",
      inputs: { x: [2, 2, 3, 4], cos: [6, 2], sin: [6, 2] },
      constants: { places: int64([1], [2]) },
      order: ["x", "places", "cos", "sin"],
      attributes: { interleaved: 1 },
    },
    {
      name: "part of each head",
      inputs: { x: [2, 3, 12], cos: [5, 2], sin: [5, 2] },
      constants: { places: int64([2, 3], [0, 1, 2, 4, 2, 3]) },
      order: ["x", "places", "cos", "sin"],
      attributes: { rotary_embedding_dim: 4, num_heads: 2 },
    },
  ]),
  loweredCases("com.microsoft:EmbedLayerNormalization", [
    {
      name: "segments, mask, epsilon",
      inputs: { words: [7, 4], positions: [5, 4], kinds: [2, 4], gamma: [4], beta: [4] },
      constants: {
        ids: int32([2, 3], [1, 6, 0, 3, 3, 2]),
        segments: int32([2, 3], [0, 1, 1, 0, 0, 1]),
        mask: int32([2, 3], [1, 1, 0, 1, 1, 1]),
      },
      order: ["ids", "segments", "words", "positions", "kinds", "gamma", "beta", "mask"],
      attributes: { epsilon: floatAttribute(0.01) },
      outputs: 3,
    },
    {
      name: "no segments, stated positions",
      inputs: { words: [7, 4], positions: [5, 4], gamma: [4], beta: [4] },
      constants: { ids: int32([2, 3], [1, 6, 0, 3, 3, 2]), places: int32([2, 3], [2, 0, 1, 4, 4, 3]) },
      order: ["ids", "", "words", "positions", "", "gamma", "beta", "", "places"],
      outputs: 2,
    },
  ]),
  gradientCases("com.microsoft:FusedConv", [
    {
      name: "an added value and HardSigmoid behind a pointwise convolution",
      inputs: { x: [2, 3, 2, 2], w: [4, 3, 1, 1], b: [4], z: [2, 4, 2, 2] },
      attributes: {
        activation: "HardSigmoid",
        activation_params: { type: "floats", value: [Math.fround(0.05), 0.5] },
      },
      lower: loweredTo([[2, 4, 2, 2]]),
      definition: {
        graph(emit, [x, w, b, z]) {
          const product = emit.matmul(emit.reshape(w!, [4, 3]), emit.reshape(x!, [2, 3, 4]));
          const sum = emit.add(emit.add(product, emit.reshape(b!, [4, 1])), emit.reshape(z!, [2, 4, 4]));
          const line = emit.shift(emit.scale(sum, Math.fround(0.05)), 0.5);
          return [emit.reshape(emit.max(emit.min(line, emit.like(1, line)), emit.like(0, line)), [2, 4, 2, 2])];
        },
      },
    },
  ]),
  loweredCases("com.microsoft:FusedGemm", [
    {
      name: "Tanh, transB",
      inputs: { a: [3, 5], b: [4, 5], c: [4] },
      attributes: { transB: 1, activation: "Tanh" },
      dims: [[3, 4]],
    },
  ]),
];
