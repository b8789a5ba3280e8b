// One weight of those that zeros are written into: its cells, how they rank, and what becomes of it.

import type { Initializer } from "../../ir/model.js";
import { floats } from "../../kernels/numbers.js";
import { toFloat16 } from "../../tensor/float16.js";
import { tensor } from "../../tensor/tensor.js";
import type { Scores } from "../scores/open.js";
import type { SolveGoal } from "../scores/solve.js";
import type { Cells } from "../structures/structure.js";
import { cellScores, elementsIn, leastCells, leastOfGroups } from "./cell-scores.js";
import type { Chosen } from "./choose-weights.js";
import { maskOf, zeroed } from "./zeroed.js";

/** How many cells of a weight go; or, of a pattern, how many of each group stay. */
export type Amount = { readonly count: number } | { readonly stay: number; readonly of: number };

export interface Zeros {
  readonly value: Initializer;
  /** Elements that are zero by it. */
  readonly gone: number;
  /** Of scores that update weights: squared error of the layer's outputs over their squared size. */
  readonly error?: number;
}

export class MaskedWeight {
  constructor(
    readonly chosen: Chosen,
    readonly cells: Cells,
    private readonly scores: Scores,
  ) {}

  get name(): string {
    return this.chosen.weight.name;
  }

  get elements(): number {
    return this.chosen.weight.elements;
  }

  /** Importance of each cell. Reads the weight. */
  async ranking(): Promise<Float32Array> {
    const { data, dtype } = this.chosen.weight.tensor;
    const elements = await this.scores.element(this.name);
    return cellScores(this.cells, elements, floats(await data.read(), dtype));
  }

  /** Elements that go by a pattern, whatever their numbers are. */
  goneByPattern(amount: { readonly stay: number; readonly of: number }): number {
    const there = new Float32Array(this.cells.count).fill(Number.NEGATIVE_INFINITY);
    for (let element = 0; element < this.elements; element++) there[this.cells.cellOf(element)] = 0;
    return elementsIn(this.cells, leastOfGroups(there, amount.of, amount.stay), this.elements);
  }

  /**
   * The weight with zeros. `held`: which elements go is decided now and kept, one bit each; else it is found again whenever the
   * weight is pulled, so that nothing is kept.
   */
  async zeros(amount: Amount, held: boolean): Promise<Zeros> {
    const { weight } = this.chosen;
    const which = async () => {
      const ranking = await this.ranking();
      return "count" in amount ? leastCells(ranking, amount.count) : leastOfGroups(ranking, amount.of, amount.stay);
    };
    const bits = (gone: Uint8Array) => maskOf(weight.elements, (element) => gone[this.cells.cellOf(element)] === 1);
    const now = held || !(this.cells.plain || "stay" in amount) ? await which() : undefined;
    const mask = held ? bits(now!) : undefined;
    return {
      value: zeroed(weight, async () => mask ?? bits(await which())),
      gone: now
        ? elementsIn(this.cells, now, weight.elements)
        : "count" in amount
          ? amount.count
          : this.goneByPattern(amount),
    };
  }

  /** The same by a score that changes what stays, too. Undefined where the score or the structure does not. */
  async solved(amount: Amount): Promise<Zeros | undefined> {
    if (this.scores.solve === undefined || !(this.cells.plain || this.cells.pattern)) return undefined;
    const goal: SolveGoal =
      "count" in amount ? { ratio: amount.count / this.cells.count } : { keep: amount.stay, of: amount.of };
    const { values, error } = await this.scores.solve(this.name, goal);
    const { dtype, dims } = this.chosen.weight.tensor;
    const value = tensor(dtype, dims, dtype === "float16" ? toFloat16(values) : values);
    let gone = 0;
    for (const number of values) if (number === 0) gone++;
    return { value, gone, error };
  }
}
