// What inspect shows of each node.

import { expect, it } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { targets } from "../targets/index.js";
import { float32 } from "../tensor/tensor.js";
import { abilities } from "./abilities.js";

const b = graphBuilder();
b.input("x", "float32", ["n", 32]);
b.initializer("w", float32([32, 32], new Float32Array(1024)));
const first = b.node("MatMul", ["x", "w"], { name: "weighted" });
const second = b.node("MatMul", [first, first], { name: "computed" });
b.output(b.node("CumSum", [second, "axis"], { name: "sum" }));
const model = b.model();

it("says what can be done with a node for a target, and why nothing", () => {
  const of = (target: string) =>
    new Map(abilities(model, targets.get(target)).map((ability) => [ability.node, ability]));
  expect(of("node").get("weighted")?.can).toContain("int4-native");
  expect(of("any").get("weighted")?.can).toContain("int8-dynamic");
  expect(of("any").get("weighted")?.can).not.toContain("int4-native");
  expect(of("webgpu").get("weighted")?.can).not.toContain("int8-dynamic");
  expect(of("any").get("computed")).toEqual({
    node: "computed",
    can: ["float16"],
    why: "its weights are computed, not constant",
  });
  expect(of("any").get("sum")).toMatchObject({ can: [], why: expect.stringContaining("CumSum") });
});
