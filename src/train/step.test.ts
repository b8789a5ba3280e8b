import { expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { floats, openStep, scalar } from "../../tests/support/step-session.js";
import { graphBuilder } from "../ir/build.js";
import { random } from "../tensor/random.js";
import { float32 } from "../tensor/tensor.js";
import { prepare } from "./prepare.js";
import { buildStep } from "./step.js";

const BATCH = 4;

function drawn(seed: number, count: number): number[] {
  const { normal } = random(seed);
  return Array.from({ length: count }, () => normal());
}

/** x [4, 5] -> relu(x w0 + b0) w1 -> [4, 3] */
async function network() {
  const build = graphBuilder();
  build.input("x", "float32", [null, 5]);
  build.initializer(
    "w0",
    float32(
      [5, 6],
      drawn(1, 30).map((v) => v / 2),
    ),
  );
  build.initializer(
    "b0",
    float32(
      [6],
      drawn(2, 6).map((v) => v / 4),
    ),
  );
  build.initializer(
    "w1",
    float32(
      [6, 3],
      drawn(3, 18).map((v) => v / 2),
    ),
  );
  const hidden = build.node("Relu", [build.node("Add", [build.node("MatMul", ["x", "w0"]), "b0"])]);
  build.output(build.node("MatMul", [hidden, "w1"], { outputs: ["y"] }), "float32", [null, 3]);
  return prepare(build.model(), { feeds: { x: floats([BATCH, 5], drawn(9, 20)) } }, engineServices());
}

const feeds = { x: floats([BATCH, 5], drawn(9, 20)) };
const labels = [0, 2, 1, 2];

test("cross-entropy falls under gradient descent", async () => {
  const step = buildStep(await network(), {
    losses: [{ loss: "cross-entropy" }],
    optimizer: { name: "sgd", momentum: 0 },
    outputs: true,
  });
  const session = await openStep(step);
  const losses: number[] = [];
  for (let i = 0; i < 30; i++) losses.push(scalar((await session.run({ feeds, labels, lr: 0.3 })).loss));
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 4);
});
