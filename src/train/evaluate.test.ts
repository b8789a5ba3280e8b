import { expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { loopOptions, spiralCase, spiralModel, spirals } from "../../tests/support/train-case.js";
import { run } from "../engine/run.js";
import type { Value } from "../tensor/value.js";
import { evaluate } from "./evaluate.js";
import { inputsOf, train } from "./loop.js";

const services = engineServices({ threads: 1 });

test("loss and accuracy are those of the model that comes out, sample by sample", async () => {
  const { prepared, step } = await spiralCase({ average: 0.8 });
  const { weights } = await train(step, { train: spirals() }, loopOptions({ steps: 15 }), services);
  // Three samples do not fill the second batch.
  const held = spirals({ seed: 9, size: 11 });
  const found = await evaluate(step, inputsOf(step), weights, held, services);
  const trained = await prepared.restore(weights);
  let [loss, right] = [0, 0];
  for await (const { feeds, label } of held.samples()) {
    const { p } = await run(trained, feeds, services);
    const scores = [...((p as Value).data as Float32Array)];
    loss -= Math.log(scores[label as number]!) / 11;
    if (scores.indexOf(Math.max(...scores)) === label) right++;
  }
  expect(found.samples).toBe(11);
  expect(found.loss).toBeCloseTo(loss, 5);
  expect(found.metric).toEqual({ name: "top-1", value: right / 11, better: "higher" });
  // Without weights: as the model was given.
  const before = await evaluate(step, inputsOf(step), new Map(), held, services, { limit: 4 });
  const { p } = await run(spiralModel(), (await held.sample!(0)).feeds, services);
  const first = await evaluate(step, inputsOf(step), new Map(), held, services, { limit: 1 });
  expect(first.loss).toBeCloseTo(-Math.log((p as Value).data[0] as number), 5);
  expect(before.samples).toBe(4);
  await expect(evaluate(step, inputsOf(step), new Map(), spirals({ size: 0 }), services)).rejects.toMatchObject({
    code: "data-empty",
  });
});
