// pare compress: a recipe, from a file or written out as JSON.

import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { failed } from "../../index.js";
import { type MakeFlags, make, makeFlags } from "../make.js";
import { withSession } from "../shared.js";

export function compressCommand(program: Command): void {
  const command = program
    .command("compress")
    .description("apply a recipe: a JSON list of steps")
    .argument("<model>", "an ONNX file or URL")
    .requiredOption("--recipe <file|json>", "the steps, as a file, a URL or JSON; [] loads and saves unchanged");
  makeFlags(command).action(async (input: string, flags: MakeFlags & { recipe: string }) => {
    const recipe = /^\s*\[/.test(flags.recipe) ? flags.recipe : await recipeFile(flags.recipe);
    await withSession(flags, (session) => make(input, recipe, flags, session));
  });
}

async function recipeFile(path: string): Promise<string> {
  try {
    if (!/^https?:/i.test(path)) return await readFile(path, "utf8");
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return await answer.text();
  } catch (cause) {
    throw failed("recipe-unreadable", `The recipe ${path} cannot be read.`, {
      cause,
      hint: 'Give a JSON file, or the JSON itself: --recipe \'[{"method":"clean"}]\'.',
    });
  }
}
