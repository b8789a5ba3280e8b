// pare inspect: what is in the file, what pare can do with it, and what it would take on other hardware.

import { type Command, Option } from "commander";
import { hardware, inspect, invalid, load, printDevices, printInspection } from "../../index.js";
import { type CommonFlags, commonFlags, withSession } from "../shared.js";

interface InspectFlags extends CommonFlags {
  readonly deep?: boolean;
  readonly nodes?: boolean;
  readonly groups?: boolean;
  readonly hardware?: readonly string[];
}

export function inspectCommand(program: Command): void {
  const command = program
    .command("inspect")
    .description("inputs, operators, weights, and what can be done with each node")
    .argument("[model]", "an ONNX file or URL; not needed for --hardware list")
    .option("--deep", "read the weights (find equal ones) and run the model once (activations, MACs)")
    .option("--nodes", "one line per node")
    .option("--groups", "channels that can be removed together, and why others stay (runs the model once)")
    .addOption(
      new Option(
        "--hardware <name,...>",
        "estimate latency, energy and cost on devices: their names, all, or list to see them",
      ).argParser((text: string, before: readonly string[] = []) => [
        ...before,
        ...text.split(",").map((one) => one.trim()),
      ]),
    );
  commonFlags(command).action(async (input: string | undefined, flags: InspectFlags) =>
    withSession(flags, async ({ terminal, options }) => {
      if (flags.hardware?.includes("list")) {
        terminal.json(hardware.list);
        terminal.print(printDevices(hardware.list));
        return;
      }
      if (input === undefined) {
        throw invalid("usage-model", "There is no model to inspect.", { hint: "pare inspect model.onnx" });
      }
      const result = await inspect(await load(input, options), {
        ...options,
        deep: flags.deep === true,
        groups: flags.groups === true,
        hardware: flags.hardware,
      });
      terminal.json(result);
      terminal.print(printInspection(result, { nodes: flags.nodes === true }));
    }),
  );
}
