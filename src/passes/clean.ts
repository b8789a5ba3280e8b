// The recipe step `clean`: all passes, until none finds anything more to do.

import { z } from "zod";
import { defineStep } from "../step/step.js";
import { passes } from "./index.js";
import { sequence, untilStable } from "./pass.js";

const options = z.object({
  skip: z
    .array(z.enum(passes.names as [string, ...string[]]))
    .default([])
    .describe("Passes to leave out"),
});

export const cleanStep = defineStep({
  name: "clean",
  summary: "Clean the graph without changing what it computes: fold constants and batch norm, drop what is not needed",
  options,
  async apply(model, { skip }, context) {
    const wanted = passes.list.filter((pass) => !skip.includes(pass.name));
    // Comparing weights reads them all: once, at the end, when there are as few as there will be.
    const last = wanted.filter((pass) => pass.dear);
    const rest = wanted.filter((pass) => !pass.dear);
    const first = await untilStable(rest, model, context);
    const second = await sequence(last, first.model, context);
    return { model: second.model, notes: [...first.notes, ...second.notes] };
  },
});
