// pare prune: one prune step, its options as flags; plans, layers and fine-tuning in forms that are short to type.

import { type Command, InvalidArgumentError, Option } from "commander";
import { reportForm, steps } from "../../index.js";
import { flagsOf } from "../flags.js";
import { makeFlags } from "../make.js";
import { layerRatio, nested, type PruneFlags, pruneFile } from "../pruning.js";
import { withSession } from "../shared.js";

/** Options of the step that have a flag of their own here. */
const OWN = new Set(["plan", "finetune", "gradual"]);

export function pruneCommand(program: Command): void {
  const command = program
    .command("prune")
    .description("remove what matters least: zeros, or channels that are really gone")
    .argument("<model>", "an ONNX file or URL");
  const flags = makeFlags(command, "pruned");
  const common = new Set(flags.options.map((option) => option.attributeName()));
  const derived = flagsOf(steps.get("prune").options!).filter(
    (option) => !common.has(option.attributeName()) && !OWN.has(option.attributeName()),
  );
  for (const option of derived) flags.addOption(option);
  flags
    .addOption(
      new Option("--layer <pattern=ratio>", "share that goes of a layer, repeatable: --layer 'conv1*=0.3'").argParser(
        said(layerRatio),
      ),
    )
    .addOption(
      new Option(
        "--finetune [options]",
        "train what is left after every step: epochs=3,lr=0.01, JSON, or a JSON file; alone: with the defaults",
      ).argParser(said(nested)),
    )
    .addOption(
      new Option(
        "--gradual [options]",
        "write the zeros while training: every=100,end=0.75, JSON, or a JSON file",
      ).argParser(said(nested)),
    )
    .option(
      "--vocabulary <file>",
      "keep these tokens of the embedding table alone: ids as JSON or one a line, a smaller vocab.json, or words with --words",
    )
    .option("--words <file>", "a vocab.json: the ids of words")
    .option("--unknown <token>", "the token, id or word, that all tokens that are gone are taken as")
    .option("--plan <file>", "carry out a saved plan: no scores, no data")
    .option("--save-plan <file>", "write what went as a plan, for other weights of the same architecture")
    .option("--no-sparse", "store zeros as they are, not in the smallest form");
  const names = derived.map((option) => option.attributeName());
  flags.action(async (input: string, all: PruneFlags & Readonly<Record<string, unknown>>) => {
    if (all.report !== undefined) reportForm(all.report);
    const given = Object.fromEntries(names.filter((key) => all[key] !== undefined).map((key) => [key, all[key]]));
    await withSession(all, (session) => pruneFile(input, given, all, session));
  });
}

/** What a parser throws is said as wrong usage. */
const said =
  <T>(parse: (text: string, before?: T) => T) =>
  (text: string, before?: T): T => {
    try {
      return parse(text, before);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
