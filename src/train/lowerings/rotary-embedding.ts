// RotaryEmbedding of the default domain (opset 23) and of com.microsoft.

import { floatOf, intOf } from "../../ir/attributes.js";
import { operatorKey } from "../../ops/operator.js";
import { tensor } from "../../tensor/tensor.js";
import { joinHeads, refused, splitHeads } from "./attend.js";
import { defineLowering, type LoweringSite } from "./lowering.js";
import { rotate } from "./rotate.js";

export const rotaryEmbedding = defineLowering({
  name: "rotary-embedding",
  summary: "RotaryEmbedding as products with cosines and sines",
  reference: "https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html",
  operators: ["RotaryEmbedding", "com.microsoft:RotaryEmbedding"],
  lower(site) {
    const { node, emit, input } = site;
    const contrib = operatorKey(node) !== "RotaryEmbedding";
    if (contrib && intOf(node, "is_packed_batching", 0) !== 0) throw refused(node, "packed batches");
    if (contrib && floatOf(node, "scale", 1) !== 1) throw refused(node, "a scale");
    const places = contrib ? input(1) : input(3);
    const [cosines, sines] = contrib ? [input(2), input(3)] : [input(1), input(2)];
    const flat = emit.rank(input(0)) === 3;
    const width = intOf(node, "rotary_embedding_dim", 0);
    const half = emit.dims(cosines!).at(-1)!;
    const stated = intOf(node, "num_heads", 0);
    const heads = stated > 0 ? stated : emit.dims(input(0))[2]! / (2 * half);
    const x = flat ? splitHeads(emit, input(0), heads) : input(0);
    const turned = width > 0 ? width : emit.dims(x)[3]!;
    const angle = (table: string) => angles(site, table, places, emit.dims(x)[0]!, emit.dims(x)[2]!, turned / 2);
    const result = rotate(emit, x, angle(cosines!), angle(sines!), turned, intOf(node, "interleaved", 0) !== 0);
    return [flat ? joinHeads(emit, result) : result];
  },
});

/** [batch or 1, 1, length, half] of a table [positions, half], or of [batch, length, half] as it stands. */
function angles(
  { emit }: LoweringSite,
  table: string,
  places: string,
  batch: number,
  length: number,
  half: number,
): string {
  if (places === "") return emit.reshape(table, [batch, 1, length, half]);
  if (emit.rank(places) === 2) return emit.reshape(emit.gather(table, places), [batch, 1, length, half]);
  // One number: where the first position stands.
  const steps = emit.store(
    "positions",
    tensor(
      "int64",
      [length],
      BigInt64Array.from({ length }, (_, at) => BigInt(at)),
    ),
  );
  return emit.reshape(emit.gather(table, emit.add(steps, places)), [1, 1, length, half]);
}
