// What the prune step is told of training before channels are pruned.

import { z } from "zod";
import { regularisers } from "./index.js";

const [first, ...others] = regularisers.list.map(({ name, options }) =>
  options.extend({ name: z.literal(name) }).strict(),
);

export const induceField = z
  .union([
    z.enum(regularisers.names as unknown as [string, ...string[]]),
    z.discriminatedUnion("name", [first!, ...others]),
  ])
  .optional()
  .describe(
    `Channels only: trains as finetune says before anything is pruned, with a penalty that makes small what will go: ${regularisers.names.join(", ")}; or an object with its options. Default: none`,
  );
