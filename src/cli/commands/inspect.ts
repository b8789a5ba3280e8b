// pare inspect: what is in the file, and what pare can do with it.

import type { Command } from "commander";
import { inspect, load, printInspection } from "../../index.js";
import { type CommonFlags, commonFlags, withSession } from "../shared.js";

export function inspectCommand(program: Command): void {
  const command = program
    .command("inspect")
    .description("inputs, operators, weights, and what can be done with each node")
    .argument("<model>", "an ONNX file or URL")
    .option("--deep", "read the weights (find equal ones) and run the model once (activations, MACs)")
    .option("--nodes", "one line per node");
  commonFlags(command).action(async (input: string, flags: CommonFlags & { deep?: boolean; nodes?: boolean }) =>
    withSession(flags, async ({ terminal, options }) => {
      const result = await inspect(await load(input, options), { ...options, deep: flags.deep === true });
      terminal.json(result);
      terminal.print(printInspection(result, { nodes: flags.nodes === true }));
    }),
  );
}
