// Every model of the zoo is sound, runs on the engine, and is made the same each time.

import { describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import { verify } from "../../src/ir/verify.js";
import { toBytes } from "../../src/onnx/encode.js";
import { services } from "../support/services.js";
import { zoo } from "../support/zoo.js";

describe("zoo", () => {
  const again = zoo();
  for (const [i, { name, model, feeds }] of zoo().entries()) {
    it(`${name} is valid, runs, says something, and is the same each time`, async () => {
      expect(verify(model)).toEqual([]);
      const results = Object.values(await run(model, feeds, services));
      const numbers = results.flatMap(({ data }) => Array.from(data as ArrayLike<number | bigint>, Number));
      expect(numbers.every(Number.isFinite)).toBe(true);
      expect(new Set(numbers).size).toBeGreaterThan(1);
      expect(Buffer.compare(await toBytes(model), await toBytes(again[i]!.model))).toBe(0);
    });
  }
});
