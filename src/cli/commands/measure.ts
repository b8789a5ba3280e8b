// pare measure: the original beside what became of it, on the same data, in turn.

import { type Command, Option } from "commander";
import { load, measure, reportForm, reports, writeReport } from "../../index.js";
import { parseWhole } from "../flags.js";
import { type CommonFlags, commonFlags, withSession } from "../shared.js";

interface MeasureFlags extends CommonFlags {
  readonly report?: string;
  readonly runs?: number;
  readonly limit?: number;
}

export function measureCommand(program: Command): void {
  const command = program
    .command("measure")
    .description("size, speed, memory, fidelity and accuracy; the first model is the reference")
    .argument("<models...>", "the reference, then the others")
    .addOption(new Option("--runs <number>", "timed runs of each model").argParser(parseWhole(1)))
    .addOption(new Option("--limit <number>", "samples to measure on").argParser(parseWhole(1)))
    .option("--report <file>", "write a report: .html, .md or .json");
  commonFlags(command).action(async (paths: string[], flags: MeasureFlags) => {
    if (flags.report !== undefined) reportForm(flags.report);
    await withSession(flags, async ({ terminal, options }) => {
      const models = await Promise.all(paths.map((path) => load(path, options)));
      const { runs, limit } = flags;
      const report = await measure(models, { ...options, runs, limit });
      terminal.json(report);
      terminal.print(await reports.get("table").render(report));
      if (flags.report === undefined) return;
      await writeReport(report, flags.report);
      terminal.say(`report: ${flags.report}`);
    });
  });
}
