import { expect, test } from "vitest";
import { services } from "../../tests/support/services.js";
import { run } from "../engine/run.js";
import { float } from "../ir/attributes.js";
import { graphBuilder, makeNode } from "../ir/build.js";
import { random } from "../tensor/random.js";
import { trainingForm } from "./batch-norm.js";
import { Emitter } from "./emitter.js";

const draw = random(3);
const value = (dims: readonly number[], make = () => draw.normal()) => ({
  dtype: "float32" as const,
  dims,
  data: Float32Array.from({ length: dims.reduce((all, size) => all * size, 1) }, make),
});

test("the training form normalises by the batch and gives the statistics of the batch", async () => {
  const [batch, channels, places] = [5, 3, 4];
  const given = {
    x: value([batch, channels, places]),
    scale: value([channels]),
    bias: value([channels]),
    mean: value([channels]),
    variance: value([channels], () => 0.5 + draw.next()),
  };
  const emit = new Emitter({
    shape: (name) => (name === "y" ? given.x : given[name as keyof typeof given]),
    has: (name) => name === "y" || name in given,
  });
  const attributes = { epsilon: float(0.01), momentum: float(0.75) };
  const form = trainingForm(emit, makeNode("BatchNormalization", Object.keys(given), ["y"], { attributes }));
  expect(form).toMatchObject({ output: "y", momentum: 0.75 });

  const builder = graphBuilder();
  for (const [name, { dims }] of Object.entries(given)) builder.input(name, "float32", dims);
  for (const [name, tensor] of emit.initializers) builder.initializer(name, tensor);
  for (const name of [form.output, form.mean, form.variance]) builder.output(name);
  const model = builder.model();
  const results = await run({ ...model, graph: { ...model.graph, nodes: emit.nodes } }, given, services);

  for (let c = 0; c < channels; c++) {
    const own = [...given.x.data].filter((_, i) => Math.floor(i / places) % channels === c);
    const mean = own.reduce((sum, one) => sum + one, 0) / own.length;
    const squares = own.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    const at = (name: string) => (results[name]!.data as Float32Array)[c]!;
    expect(at(form.mean)).toBeCloseTo(mean, 5);
    // Normalised by the biased variance; the running one is moved by the unbiased.
    expect(at(form.variance)).toBeCloseTo(squares / own.length, 5);
    expect(at(form.variance) * form.correction).toBeCloseTo(squares / (own.length - 1), 5);
    const expected = own.map(
      (one) => ((one - mean) / Math.sqrt(squares / own.length + 0.01)) * given.scale.data[c]! + given.bias.data[c]!,
    );
    const found = [...(results.y!.data as Float32Array)].filter((_, i) => Math.floor(i / places) % channels === c);
    for (const [i, one] of found.entries()) expect(one).toBeCloseTo(expected[i]!, 5);
  }
});
