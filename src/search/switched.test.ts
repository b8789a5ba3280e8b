// The switched model: all flags off is the float model bit for bit, all on the compressed one; one session whatever is asked.

import { describe, expect, it } from "vitest";
import { stepContext } from "../../tests/support/step-context.js";
import type { Dataset } from "../data/dataset.js";
import type { Runtime } from "../engine/runtime.js";
import { UNFUSED } from "../engine/runtime.js";
import { withSession } from "../engine/session.js";
import { graphBuilder } from "../ir/build.js";
import type { Model } from "../ir/model.js";
import { quantizeStep } from "../quantize/quantize.js";
import { random } from "../tensor/random.js";
import { float32 } from "../tensor/tensor.js";
import type { Feeds } from "../tensor/value.js";
import { rankedMoves } from "./moves.js";
import { sensitivity } from "./sensitivity.js";
import { type Switched, switchedModel, withFlags } from "./switched.js";

const numbers = (count: number, seed: number) => {
  const source = random(seed);
  return Float32Array.from({ length: count }, () => source.normal());
};

/** Three products in a row; one weight of `bad` is a thousand times the others, which one scale for all cannot bear. */
function planted(bad: "first" | "middle" | "last"): Model {
  const b = graphBuilder();
  let value = b.input("x", "float32", [1, 32]);
  for (const [at, name] of (["first", "middle", "last"] as const).entries()) {
    const weight = numbers(32 * 32, at + 1);
    if (name === bad) weight[5] = 300;
    b.initializer(`${name}.weight`, float32([32, 32], weight));
    const made = b.node("MatMul", [value, `${name}.weight`], { name, outputs: [`${name}.out`] });
    value = at === 2 ? made : b.node("Relu", [made], { name: `${name}.relu` });
  }
  b.output(value, "float32", [1, 32]);
  return b.model();
}

const feeds = (seed: number): Feeds => ({
  x: { dtype: "float32", dims: [1, 32], data: Float32Array.from(numbers(32, seed)) },
});
const samples = [11, 12, 13, 14].map(feeds);

async function made(model: Model, options: object): Promise<{ float: Model; model: Model; switched: Switched }> {
  const context = stepContext(samples, "node");
  const result = await quantizeStep.apply(model, quantizeStep.options.parse({ minimum: 0, ...options }), context);
  const float = result.float!;
  return { float, model: result.model, switched: await switchedModel(float, result.model) };
}

/** As the file says, in the order it says it: nothing fused, no weight packed beforehand. */
const PLAIN = { optimize: "off", config: { ...UNFUSED, "session.disable_prepacking": "1" } } as const;

async function outputs(model: Model, one: Feeds): Promise<Float32Array> {
  const context = stepContext(samples);
  return withSession(model, context, PLAIN, async (session) => {
    const found = await session.run(one);
    return found["last.out"]!.data as Float32Array;
  });
}

describe.each([
  ["weights in blocks, decoded at load", { weights: "int4", form: "extract" }],
  ["one scale for a weight", { weights: "int8", form: "extract", granularity: "tensor" }],
  ["packed operators", { weights: "int4", form: "native" }],
  ["dynamic activations", { weights: "int8", activations: "dynamic" }],
  ["static activations", { weights: "int8", activations: "uint8" }],
  ["16-bit activations", { weights: "int8", activations: "uint16" }],
])("%s", (_, options) => {
  it("is the float model with all flags off, and the compressed one with all on", async () => {
    const { float, model, switched } = await made(planted("middle"), options);
    const every = new Set(switched.switches.map(({ flag }) => flag));
    expect(new Set(switched.switches.map(({ layer }) => layer)).size).toBeGreaterThanOrEqual(3);
    for (const one of samples) {
      const [off, on] = [withFlags(switched, one, new Set()), withFlags(switched, one, every)];
      const [reference, rounded] = [await outputs(float, one), await outputs(model, one)];
      expect(rounded).not.toEqual(reference);
      expect(await outputs(switched.model, off)).toEqual(reference);
      expect(await outputs(switched.model, on)).toEqual(rounded);
    }
  });
});

describe("sensitivity", () => {
  const data = (): Dataset => stepContext(samples).data;

  it.each(["first", "middle", "last"] as const)("ranks the layer that was made bad first: %s", async (bad) => {
    const { float, switched } = await made(planted(bad), { weights: "int8", form: "extract", granularity: "tensor" });
    const found = await sensitivity(switched, data(), stepContext());
    const ranked = [...found.alone].sort(([, a], [, b]) => b.mean - a.mean);
    expect(ranked[0]![0].layer).toBe(bad);
    expect(ranked[0]![1].mean).toBeGreaterThan(10 * ranked[1]![1].mean);
    expect(found.without.get(bad)!.mean).toBeLessThan(found.all.mean / 10);
    const [first] = rankedMoves(found, { float, work: new Map() });
    expect(first!.keep).toEqual([bad]);
  });

  it("loads one session, however many layers there are", async () => {
    const { switched } = await made(planted("first"), { weights: "int8", activations: "uint8" });
    const context = stepContext();
    let sessions = 0;
    const counted = async (): Promise<Runtime> => {
      const runtime = await context.runtime();
      return {
        ...runtime,
        createSession: (...given) => {
          sessions++;
          return runtime.createSession(...given);
        },
      };
    };
    const found = await sensitivity(switched, data(), { ...context, runtime: counted });
    expect(sessions).toBe(1);
    expect(found.alone.size).toBe(switched.switches.length);
    expect(found.samples).toBe(samples.length);
  });

  it("gives weights and activations apart, and names what must be kept for a value to stay float", async () => {
    const { switched } = await made(planted("first"), { weights: "int8", activations: "uint8" });
    const kinds = (layer: string) => switched.switches.filter((one) => one.layer === layer).map(({ kind }) => kind);
    expect(kinds("middle")).toEqual(["weights", "activations"]);
    const between = switched.switches.filter(({ kind, keep }) => kind === "activations" && keep.includes("middle"));
    const among = between.flatMap(({ keep, values }) => values.map(({ name }) => [name, ...keep]));
    expect(among.some((names) => names.includes("first") && names.includes("middle"))).toBe(true);
  });
});
