import { expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { loopOptions, spiralCase, spirals } from "../../tests/support/train-case.js";
import { train } from "./loop.js";

const services = engineServices({ threads: 1 });
const wasm = engineServices({ threads: 1 }, "wasm");

test("WASM gives the losses of the CPU", async () => {
  const { step } = await spiralCase();
  const data = { train: spirals() };
  const native = await train(step, data, loopOptions({ steps: 20 }), services);
  const web = await train(step, data, loopOptions({ steps: 20 }), wasm);
  expect(web.log).toHaveLength(20);
  web.log.forEach(({ loss }, i) => {
    expect(loss).toBeCloseTo(native.log[i]!.loss, 4);
  });
});
