// GatherND: the places become row numbers of one flat table, and each row of dY is added to its own.

import { intOf } from "../../ir/attributes.js";
import { elementCount } from "../../tensor/dtype.js";
import { int64 } from "../../tensor/tensor.js";
import { defineGradient } from "./rule.js";
import { scatterAlong } from "./scatter-along.js";

export const gatherNd = defineGradient({
  name: "gather-nd",
  summary: "GatherND with batch_dims; indices may be negative and repeat",
  operators: ["GatherND"],
  differentiable: (input) => input === 0,
  backward({ node, emit, input, gradient }) {
    const dims = emit.dims(input(0));
    const shape = emit.dims(input(1));
    const batch = intOf(node, "batch_dims", 0);
    const depth = shape.at(-1)!;
    const indexed = dims.slice(batch, batch + depth);
    const batches = elementCount(dims.slice(0, batch));
    const table = elementCount(indexed);
    const places = elementCount(shape.slice(0, -1));
    const width = elementCount(dims.slice(batch + depth));
    const strides = indexed.map((_, axis) => elementCount(indexed.slice(axis + 1)));
    // Mod takes the sign of the divisor: negative indices count from the end.
    const within = emit.op("Mod", [emit.cast(input(1), "int64"), emit.ints(indexed)], { dims: shape });
    const inTable = emit.reshape(
      emit.reduceSum(emit.op("Mul", [within, emit.ints(strides)], { dims: shape }), [shape.length - 1], false),
      [batches, places / batches],
    );
    const starts = Array.from({ length: batches }, (_, at) => at * table);
    const rows = batches === 1 ? inTable : emit.add(inTable, emit.store("batch_rows", int64([batches, 1], starts)));
    const dy = emit.reshape(gradient(0)!, [1, places, width]);
    return [emit.reshape(scatterAlong(emit, dy, emit.reshape(rows, [places]), batches * table), dims)];
  },
});
