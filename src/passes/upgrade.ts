// The recipe step `upgrade`: raises the model to a newer opset, for runtimes and forms that ask for one.

import { z } from "zod";
import { defineStep } from "../step/step.js";
import { upgradeOpset } from "./upgrade-opset.js";

export const upgradeStep = defineStep({
  name: "upgrade",
  summary: "Raise the opset, rewriting the operators whose form changed; what cannot be raised is refused by name",
  reference: "https://github.com/onnx/onnx/blob/main/docs/Changelog.md",
  options: z.object({
    opset: z.int().min(7).max(25).default(21).describe("Version of the default domain to raise the model to"),
  }),
  apply: async (model, { opset }) => upgradeOpset(model, opset),
});
