// com.microsoft EmbedLayerNormalization: the sum of embeddings, normalised.

import { floatOf } from "../../ir/attributes.js";
import { tensor } from "../../tensor/tensor.js";
import { defineLowering } from "./lowering.js";

export const embedLayerNormalization = defineLowering({
  name: "embed-layer-normalization",
  summary: "EmbedLayerNormalization as Gathers and a LayerNormalization",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.EmbedLayerNormalization",
  operators: ["com.microsoft:EmbedLayerNormalization"],
  lower({ node, emit, input, wants }) {
    const [ids, segments, words, positions, kinds, gamma, beta, mask, places] = Array.from({ length: 9 }, (_, i) =>
      input(i),
    );
    const [batch, length] = emit.dims(ids!) as [number, number];
    const position = places === "" ? emit.slice(positions!, [0], [0], [length]) : emit.gather(positions!, places!);
    let sum = emit.add(emit.gather(words!, ids!), position);
    if (segments !== "" && kinds !== "") sum = emit.add(sum, emit.gather(kinds!, segments!));
    const output = emit.op("LayerNormalization", [sum, gamma!, beta!], {
      dims: emit.dims(sum),
      attributes: { axis: -1, epsilon: { type: "float", value: floatOf(node, "epsilon", 1e-12) } },
    });
    return [output, wants(1) ? counts() : undefined, sum];

    /** How many positions of each sequence are seen: int32 [batch]. */
    function counts(): string {
      if (mask === "") return emit.store("mask_index", tensor("int32", [batch], new Int32Array(batch)));
      return emit.reduceSum(emit.cast(mask!, "int32"), [1], false);
    }
  },
});
