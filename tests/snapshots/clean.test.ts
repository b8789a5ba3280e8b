// The zoo as text after clean-up: shows any change in what the passes do, and that the text form is stable.

import { expect, it } from "vitest";
import { print } from "../../src/ir/print.js";
import { cleanStep } from "../../src/passes/clean.js";
import type { StepContext } from "../../src/step/step.js";
import { services } from "../support/services.js";
import { zoo } from "../support/zoo.js";

it("clean gives the same graphs as before", async () => {
  for (const { name, model } of zoo()) {
    const { model: after, notes } = await cleanStep.apply(model, { skip: [] }, services as StepContext);
    const lines = notes.map(
      (note) => `note ${note.code}${note.node === undefined ? "" : ` ${note.node}`}: ${note.text}`,
    );
    await expect(`${[print(after).trimEnd(), ...lines].join("\n")}\n`).toMatchFileSnapshot(`clean/${name}.txt`);
  }
});
