// Products of large float64 matrices, by the engine; small ones here.

import type { RuntimeSession } from "../engine/runtime.js";
import { type EngineServices, openSession } from "../engine/session.js";
import { graphBuilder } from "../ir/build.js";
import { type Multiply, multiplyHere } from "./cholesky.js";

/** Multiplications from which a run of the engine pays; measured: below it copying costs more. */
const LARGE = 2 ** 22;

/** Products of one fit after the other share a session, opened for the first large one. */
export class Multiplier {
  #session: Promise<RuntimeSession> | undefined;

  constructor(private readonly services: EngineServices) {}

  readonly multiply: Multiply = async (a, b, sizes) => {
    const { m, k, n } = sizes;
    if (m * k * n < LARGE) return multiplyHere(a, b, sizes);
    this.#session ??= openSession(productModel(), this.services);
    const { product } = await (await this.#session).run({
      a: { dtype: "float64", dims: [m, k], data: a },
      b: { dtype: "float64", dims: [k, n], data: b },
    });
    return product!.data as Float64Array;
  };

  async release(): Promise<void> {
    await (await this.#session)?.release();
    this.#session = undefined;
  }
}

function productModel() {
  const graph = graphBuilder("product");
  const a = graph.input("a", "float64", ["m", "k"]);
  const b = graph.input("b", "float64", ["k", "n"]);
  graph.output(graph.node("MatMul", [a, b], { outputs: ["product"] }), "float64", ["m", "n"]);
  return graph.model({ opset: 13 });
}
