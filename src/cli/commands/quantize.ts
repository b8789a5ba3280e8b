// pare quantize: one quantize step, its options as flags.

import { Command, Option } from "commander";
import { steps } from "../../index.js";
import { type ExamineFlags, examining } from "../examine.js";
import { flagsOf, parseBytes, parseNumber } from "../flags.js";
import { type MakeFlags, make, makeFlags } from "../make.js";
import { withSession } from "../shared.js";

/** A copy of the input is not what was asked for. */
const NOTHING = {
  code: "nothing-quantized",
  hint: "Quantize the float model that it was made from, if it is quantized; `pare inspect --nodes` says what can be done with each node, --verbose why each weight stays.",
};

export function quantizeCommand(program: Command): void {
  const schema = steps.get("quantize").options;
  const command = program
    .command("quantize")
    .description("store or compute with fewer bits")
    .argument("<model>", "an ONNX file or URL")
    .option("--no-clean", "leave the graph as it is before quantizing")
    .option("--explain", "rank the layers by what they lose, with the reason and what to do about it")
    .option(
      "--max-drop <drop>",
      "give layers back more precision until the metric (without labels: agreement, cosine) loses no more than 0.01, or 1%; exit 3 if none does",
    )
    .addOption(
      new Option("--max-size <bytes>", "mix bits, or choose the form, so that the file fits, as 5MB").argParser(
        parseBytes,
      ),
    )
    .addOption(
      new Option("--max-latency-ratio <number>", "choose the form so that it takes at most this of the time").argParser(
        parseNumber,
      ),
    );
  // Where the step has an option that is common to all commands (the seed), the common flag serves.
  const common = new Set(makeFlags(new Command()).options.map((option) => option.attributeName()));
  const own = (schema ? flagsOf(schema) : []).filter((option) => !common.has(option.attributeName()));
  for (const option of own) command.addOption(option);
  const names = new Set(own.map((option) => option.attributeName()));
  makeFlags(command).action(
    async (input: string, all: MakeFlags & ExamineFlags & { clean: boolean } & Record<string, unknown>) => {
      const options = Object.fromEntries(
        [...names].filter((name) => all[name] !== undefined).map((name) => [name, all[name]]),
      );
      const recipe = [...(all.clean ? [{ method: "clean" }] : []), { method: "quantize", ...options }];
      await withSession(all, (session) =>
        make(input, JSON.stringify(recipe), all, session, { refusal: NOTHING, ...examining(all, session) }),
      );
    },
  );
}
