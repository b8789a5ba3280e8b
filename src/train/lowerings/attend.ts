// Scaled dot-product attention in plain operators, which every form of the operator shares.

import { unsupported } from "../../base/errors.js";
import { label, type Node } from "../../ir/model.js";
import { float32, tensor } from "../../tensor/tensor.js";
import type { Emitter } from "../emitter.js";

export interface Attention {
  /** [batch, heads, length, size]; keys and values may have fewer heads, each serving a group of queries. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly scale: number;
  /** Added to the scores, broadcast to [batch, heads, length, total]. */
  readonly bias?: readonly string[];
  /** Position s sees the keys up to s plus this many. Undefined: all of them. */
  readonly causal?: number | undefined;
  /** Scores above it are pressed below it by a tanh. 0: none. */
  readonly softcap?: number;
}

export interface Attended {
  /** [batch, heads, length, value size] */
  readonly output: string;
  /** Scores: scaled, with biases, capped, as probabilities. */
  readonly stages: readonly [string, string, string, string];
}

export function attend(emit: Emitter, attention: Attention): Attended {
  const { query, scale, softcap = 0 } = attention;
  const heads = emit.dims(query)[1]!;
  const key = shared(emit, attention.key, heads);
  const value = shared(emit, attention.value, heads);
  // The smaller factor is scaled: queries, not scores.
  const raw = emit.matmul(emit.scale(query, scale), emit.swap(key));
  const capped = softcap > 0 ? emit.scale(emit.tanh(emit.scale(raw, 1 / softcap)), softcap) : raw;
  let scores = capped;
  for (const bias of attention.bias ?? []) scores = emit.add(scores, bias);
  const [length, total] = emit.dims(scores).slice(-2) as [number, number];
  if (attention.causal !== undefined) {
    const mask = causalMask(emit, length, total, attention.causal, emit.dtype(query));
    if (mask !== undefined) scores = emit.add(scores, mask);
  }
  const probabilities = emit.op("Softmax", [scores], { attributes: { axis: -1 } });
  return { output: emit.matmul(probabilities, value), stages: [raw, scores, capped, probabilities] };
}

/** Far below any score, and finite: no row is without a number. */
const NEVER = -1e30;

function causalMask(emit: Emitter, length: number, total: number, offset: number, dtype: string): string | undefined {
  if (length === 1 && offset >= total - 1) return undefined;
  const values = Array.from({ length: length * total }, (_, at) =>
    (at % total) - offset > Math.floor(at / total) ? NEVER : 0,
  );
  if (values.every((value) => value === 0)) return undefined;
  const dims = [length, total];
  return emit.store(
    "causal",
    dtype === "float64" ? tensor("float64", dims, Float64Array.from(values)) : float32(dims, values),
  );
}

/** [batch, groups, n, size] with each head repeated for its group. */
function shared(emit: Emitter, x: string, heads: number): string {
  const [batch, groups, length, size] = emit.dims(x) as [number, number, number, number];
  if (groups === heads) return x;
  const spread = emit.expand(emit.reshape(x, [batch, groups, 1, length, size]), [
    batch,
    groups,
    heads / groups,
    length,
    size,
  ]);
  return emit.reshape(spread, [batch, heads, length, size]);
}

/** [batch, length, heads * size] to [batch, heads, length, size]. */
export function splitHeads(emit: Emitter, x: string, heads: number): string {
  const [batch, length, width] = emit.dims(x) as [number, number, number];
  return emit.transpose(emit.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, length, size] to [batch, length, heads * size]. */
export function joinHeads(emit: Emitter, x: string): string {
  const [batch, heads, length, size] = emit.dims(x) as [number, number, number, number];
  return emit.reshape(emit.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}

/**
 * What com.microsoft's masks add to the scores: `filter` where a key must not be seen. int32 or int64: [batch, total],
 * [batch, length, total], or right ends [batch], or ends and starts [2 * batch].
 */
export function keyMask(
  emit: Emitter,
  mask: string,
  batch: number,
  total: number,
  filter: number,
  like: string,
  node: Node,
): string {
  const dims = emit.dims(mask);
  const dtype = emit.dtype(like);
  if (dims.length === 1 && (dims[0] === batch || dims[0] === 2 * batch)) {
    const places = emit.store(
      "places",
      tensor(
        "int32",
        [1, total],
        Int32Array.from({ length: total }, (_, at) => at),
      ),
    );
    const bounds = emit.cast(emit.reshape(mask, [dims[0]! / batch, batch, 1]), "int32");
    const bound = (at: number) => emit.reshape(emit.slice(bounds, [0], [at], [at + 1]), [batch, 1]);
    let hidden = emit.not(emit.less(places, bound(0)));
    if (dims[0] === 2 * batch && batch > 0) hidden = emit.or(hidden, emit.less(places, bound(1)));
    return emit.reshape(emit.scale(emit.cast(hidden, dtype), filter), [batch, 1, 1, total]);
  }
  if (dims.length === 2 || dims.length === 3) {
    const seen = emit.cast(mask, dtype);
    const added = emit.scale(emit.sub(emit.number(1, dtype), seen), filter);
    return emit.reshape(added, dims.length === 2 ? [dims[0]!, 1, 1, dims[1]!] : [dims[0]!, 1, dims[1]!, dims[2]!]);
  }
  throw refused(node, `a mask of dimensions [${dims}]`);
}

export const refused = (node: Node, what: string) =>
  unsupported("lowering-form", `${label(node)} (${node.opType}) has ${what}, which training does not know.`, {
    node: label(node),
    hint: "Freeze what stands before it (--freeze), or export the model with plain operators.",
  });
