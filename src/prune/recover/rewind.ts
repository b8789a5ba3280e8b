// Weights back to earlier values: those of a model of the same architecture, from before it was trained to the end (Frankle et
// al. 2020, https://arxiv.org/abs/1912.05671). What was pruned stays zero.

import { invalid } from "../../base/errors.js";
import { mapGraphs } from "../../ir/map.js";
import type { Graph, Initializer, Model } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import { derivedData, type Tensor } from "../../tensor/tensor.js";
import { prepare } from "../../weights/prepare.js";

/**
 * The model with the float constants of `earlier`, in every graph of it. With `masked`, elements of weights of two axes or more
 * that are zero in `model` are zero in the result; they are computed when they are pulled.
 * Throws `invalid("rewind-other")` naming the tensor where `earlier` has none of that name, type and dimensions.
 */
export async function rewound(model: Model, earlier: Model, masked: boolean): Promise<Model> {
  const before: Graph[] = [];
  await mapGraphs(await prepare(earlier), (graph) => {
    before.push(graph);
    return graph;
  });
  // Graphs are visited in the same order where the architecture is the same.
  let at = 0;
  return mapGraphs(await prepare(model), (graph) => {
    const old = before[at++];
    const initializers = new Map<string, Initializer>(graph.initializers);
    for (const [name, value] of graph.initializers) {
      if (value.sparse || DTYPES[value.dtype].kind !== "float") continue;
      const found = old?.initializers.get(name);
      if (found === undefined || found.sparse) throw other(name, value, "no such constant");
      if (found.dtype !== value.dtype || String(found.dims) !== String(value.dims)) {
        throw other(name, value, `${found.dtype} [${found.dims}]`);
      }
      initializers.set(name, masked && value.dims.length > 1 ? withZerosOf(value, found) : found);
    }
    return { ...graph, initializers };
  });
}

const other = (name: string, { dtype, dims }: Tensor, found: string) =>
  invalid("rewind-other", `The earlier model has another "${name}" than the pruned one.`, {
    node: name,
    expected: `${dtype} [${dims}]`,
    found,
    hint: "Rewind to a model of the same architecture, with the same names; where channels were cut, with the same cut.",
  });

function withZerosOf(pruned: Tensor, earlier: Tensor): Tensor {
  const { byteLength } = earlier.data;
  return {
    ...earlier,
    data: derivedData(byteLength, async function* () {
      const values = (await earlier.data.read()).slice();
      const zeros = await pruned.data.read();
      const size = values.length === 0 ? 1 : byteLength / pruned.dims.reduce((all, dim) => all * dim, 1);
      // All bits but the sign, which stands in the last byte.
      for (let start = 0; start < values.length; start += size) {
        let bits = zeros[start + size - 1]! & 0x7f;
        for (let i = start; i < start + size - 1; i++) bits |= zeros[i]!;
        if (bits === 0) values.fill(0, start, start + size);
      }
      yield values;
    }),
  };
}
