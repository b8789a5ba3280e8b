// pare methods: what there is, from the registries.

import type { Command } from "commander";
import pc from "picocolors";
import { methods } from "../../index.js";
import { terminal } from "../terminal.js";

export function methodsCommand(program: Command): void {
  program
    .command("methods")
    .description("list the methods, formats, schemes, targets, readers and metrics")
    .option("--json", "print one JSON document to stdout and nothing else")
    .action((flags: { json?: boolean }) => {
      const screen = terminal(flags);
      screen.json(
        methods.map(({ kind, list }) => ({
          kind,
          methods: list.map(({ name, summary, reference }) => ({ name, summary, reference })),
        })),
      );
      for (const { kind, list } of methods) {
        screen.print(pc.bold(`\n${kind}`));
        const width = Math.max(...list.map((method) => method.name.length));
        for (const method of list) screen.print(`  ${method.name.padEnd(width)}  ${pc.dim(method.summary)}`);
      }
    });
}
