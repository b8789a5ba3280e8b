// A model that is nothing but its inputs: all that a dataset asks of it.

import type { Model } from "../../src/ir/model.js";
import type { DType } from "../../src/tensor/dtype.js";

export function inputsOnly(
  ...inputs: readonly (readonly [name: string, dtype: DType, shape: readonly (number | string)[]])[]
): Model {
  return {
    irVersion: 8,
    opsets: new Map([["", 17]]),
    producerName: "",
    producerVersion: "",
    domain: "",
    modelVersion: 0n,
    docString: "",
    metadata: new Map(),
    functions: [],
    graph: {
      name: "",
      docString: "",
      inputs: inputs.map(([name, dtype, shape]) => ({ name, type: { kind: "tensor", dtype, shape } as const })),
      outputs: [],
      valueInfo: new Map(),
      nodes: [],
      initializers: new Map(),
    },
  };
}
