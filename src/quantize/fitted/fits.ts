// Weights whose codes are found before the result is written: asked for while the plan is made, found one weight at a time from
// what the model computes on the user's data, and handed out when the result is pulled.

import { internal, invalid } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import type { Initializer, Model } from "../../ir/model.js";
import { floats } from "../../kernels/numbers.js";
import { type Statistic, type Sums, sumBytes, sumsOver } from "../../statistics/input-sums.js";
import { Multiplier } from "../../statistics/multiply.js";
import { type Product, productOf } from "../../statistics/products.js";
import type { StepContext } from "../../step/step.js";
import { toFloat16 } from "../../tensor/float16.js";
import { derivedData } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import { notFinite } from "../computation.js";
import { encodedFit, type FitLayout, type FittedCodes } from "./layout.js";
import { needsData } from "./options.js";
import { coderOf, decoded, type Fit, partsOf } from "./problem.js";
import { savedSums } from "./saved.js";
import { type Inputs, solve } from "./solve.js";
import { Store } from "./store.js";

interface Request {
  readonly weight: Weight;
  readonly given: FitLayout;
  found?: () => Promise<FittedCodes>;
}

/** Sums of one stage are kept together up to this many bytes: one pass over the samples serves all of its weights. */
const STAGE_BYTES = 256 * 2 ** 20;

export class Fits {
  readonly #requests: Request[] = [];

  /** Asks for the codes of a weight; they are there once `find` is done. */
  want(weight: Weight, given: FitLayout): () => Promise<FittedCodes> {
    const request: Request = { weight, given };
    this.#requests.push(request);
    return () => {
      if (request.found === undefined) throw internal("codes are pulled before they were found");
      return request.found();
    };
  }

  get empty(): boolean {
    return this.#requests.length === 0;
  }

  /**
   * Finds the codes of all weights that were asked for. `model`: the float one that they belong to. Throws
   * `invalid("quantize-needs-data")`, `invalid("weight-not-finite")`, and what running the model throws.
   */
  async find(model: Model, samples: number, context: StepContext): Promise<readonly Note[]> {
    const notes: Note[] = [];
    const store = new Store(() => context.temporary());
    const multiplier = new Multiplier(context);
    // Weights in few bits stand in for the float ones of those that see them.
    const changed = new Map<string, Initializer>();
    const plain: Request[] = [];
    const withData: { request: Request; product: Product; statistic: Statistic }[] = [];
    for (const request of this.#requests) {
      const { options } = request.given;
      if (!needsData(options)) {
        plain.push(request);
        continue;
      }
      checkData(context, options.rounding ?? options.range ?? "");
      const product = productOf(model, request.weight);
      if ("obstacle" in product) {
        notes.push(withoutInputs(request, product.obstacle));
        plain.push(request);
      } else withData.push({ request, product, statistic: options.rounding === "gptq" ? "gram" : "squares" });
    }
    try {
      for (const request of plain) await this.#solve(request, undefined, { store, multiplier, notes });
      // Small sums that serve all at once, and are saved.
      const alike = withData.filter(({ request, statistic }) => statistic === "squares" && !isSequential(request));
      const apart = withData.filter((one) => !alike.includes(one));
      for (const stage of [...(alike.length > 0 ? [alike] : []), ...stagesOf(inGraphOrder(model, apart))]) {
        const current = changed.size === 0 ? model : replaced(model, changed);
        const sums = new Map<Statistic, Sums>();
        for (const statistic of ["gram", "squares"] as const) {
          const sources = stage.filter((one) => one.statistic === statistic).flatMap(({ product }) => product.sources);
          const sum = stage === alike ? savedSums : sumsOver;
          if (sources.length > 0) sums.set(statistic, await sum(current, sources, statistic, samples, context));
        }
        for (const { request, product, statistic } of stage) {
          context.signal?.throwIfAborted();
          const sum = addedUp(product, sums.get(statistic)!);
          const inputs = statistic === "gram" ? { gram: sum } : { squares: sum };
          const fit = await this.#solve(request, { view: product.view, ...inputs }, { store, multiplier, notes });
          if (isSequential(request)) changed.set(request.weight.name, inFewBits(request, fit));
        }
      }
    } finally {
      await multiplier.release();
    }
    return notes;
  }

  async #solve(
    request: Request,
    inputs: Inputs | undefined,
    { store, multiplier, notes }: { store: Store; multiplier: Multiplier; notes: Note[] },
  ): Promise<{ readonly fit: Fit; readonly tensorScale: number }> {
    const { weight, given } = request;
    const weights = floats(await weight.tensor.data.read(), weight.tensor.dtype);
    if (!weights.every(Number.isFinite)) throw notFinite(weight);
    const { fit, tensorScale, obstacle } = await solve(weights, given, inputs, multiplier.multiply);
    if (obstacle) notes.push(withoutInputs(request, obstacle));
    const { planes, ...small } = encodedFit(fit, weights, given, tensorScale);
    const kept: (() => Promise<Uint8Array<ArrayBuffer>>)[] = [];
    for (const plane of planes) kept.push(await store.keep(plane));
    request.found = async () => ({
      encoded: { ...small, planes: await Promise.all(kept.map((read) => read())) },
      tensorScale,
    });
    return { fit, tensorScale };
  }
}

type Ready = { readonly request: Request; readonly product: Product; readonly statistic: Statistic };

const isSequential = ({ given }: Request) => given.options.sequential;

/** By the first node that multiplies with it. */
function inGraphOrder(model: Model, ready: readonly Ready[]): readonly Ready[] {
  const place = new Map(model.graph.nodes.map((node, at) => [node, at]));
  const first = ({ request }: Ready) =>
    Math.min(...request.weight.consumers.map(({ node }) => (node && place.get(node)) ?? Number.POSITIVE_INFINITY));
  return [...ready].sort((a, b) => first(a) - first(b));
}

/**
 * Weights whose sums are taken in one pass. Where weights see those before them in few bits, a pass serves only neighbours with the
 * same inputs.
 */
function stagesOf(ready: readonly Ready[]): readonly (readonly Ready[])[] {
  const stages: Ready[][] = [];
  let keys = new Set<string>();
  let bytes = 0;
  for (const one of ready) {
    const fresh = one.product.sources.filter(({ key }) => !keys.has(key));
    const more = fresh.reduce((sum, source) => sum + sumBytes(source, one.statistic), 0);
    const apart = isSequential(one.request) && fresh.length > 0;
    if (stages.length === 0 || apart || (more > 0 && bytes + more > STAGE_BYTES)) {
      stages.push([]);
      keys = new Set();
      bytes = 0;
    }
    stages.at(-1)!.push(one);
    for (const { key } of one.product.sources) keys.add(key);
    bytes += more;
  }
  return stages;
}

/** Of all products with the weight. */
function addedUp({ sources }: Product, sums: Sums): Float64Array {
  const [first, ...others] = sources.map(({ key }) => sums.get(key)!);
  if (others.length === 0) return first!;
  return first!.map((value, at) => others.reduce((sum, other) => sum + other[at]!, value));
}

/** The weight as its codes decode, in its own type. */
function inFewBits({ weight, given }: Request, { fit, tensorScale }: { fit: Fit; tensorScale: number }): Initializer {
  const { tensor } = weight;
  const data = derivedData(tensor.data.byteLength, async function* () {
    const values = decoded(fit, partsOf(given.sharing), coderOf(given.layout.grids[0]!), tensorScale);
    const typed = tensor.dtype === "float16" ? toFloat16(values) : values;
    yield new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
  });
  return { ...tensor, data };
}

const replaced = (model: Model, changed: ReadonlyMap<string, Initializer>): Model => ({
  ...model,
  graph: { ...model.graph, initializers: new Map([...model.graph.initializers, ...changed]) },
});

function checkData({ data }: StepContext, method: string): void {
  if (!data.synthetic) return;
  throw invalid("quantize-needs-data", `${method} learns from what the model computes, and there is no data.`, {
    expected: "samples like those that the model will see",
    hint: "Give some with --data, or take range hqq or mse, which need none.",
  });
}

function withoutInputs({ weight, given: { options } }: Request, obstacle: string): Note {
  const left = options.rounding === "gptq" ? "rounded to nearest" : "quantized with all inputs alike";
  return info("fit-without-data", `"${weight.name}" is ${left}: ${obstacle}.`, weight.name);
}
