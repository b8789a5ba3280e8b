// How long scores of weights take on a large model, and how much memory: they are made one weight at a time.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchModel } from "../make-models.js";
import { measured } from "../measured.js";
import type { Cell, Conditions } from "./cell.js";

export interface SpeedRow {
  readonly kind: "speed";
  readonly what: string;
  readonly bytes: number;
  readonly seconds: number;
  /** Bytes. */
  readonly peak: number | null;
  /** The same of the file loaded and saved, nothing pruned. */
  readonly plain: { readonly seconds: number; readonly peak: number | null };
}

const cli = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const GIB = 1;

const VARIANTS = {
  "l1, global, 50%": { score: "l1", scope: "global", ratio: 0.5 },
  "lamp, global, 50%": { score: "lamp", scope: "global", ratio: 0.5 },
  "l1, uniform, 90%": { score: "l1", scope: "uniform", ratio: 0.9 },
  "2:4": { structure: "2:4" },
};

export const speed = (): Cell[] =>
  Object.entries(VARIANTS).map(([what, options]) => ({
    case: "speed",
    name: `speed-${what.replace(/\W+/g, "-")}`,
    async run({ work, trial }: Conditions): Promise<SpeedRow> {
      const folder = join(work, "speed");
      mkdirSync(folder, { recursive: true });
      const { path, bytes } = await benchModel(folder, trial ? 0.1 : GIB);
      const output = join(folder, "out.onnx");
      const timed = async (recipe: readonly object[]) => {
        const given = ["--recipe", JSON.stringify(recipe), "--no-verify", "-o", output];
        const found = await measured(process.execPath, ["--import", "tsx", cli, "compress", path, ...given]);
        return { seconds: found.seconds, peak: found.peak ?? null };
      };
      const plain = await timed([]);
      const pruned = await timed([{ method: "prune", ...options }]);
      for (const name of [output, `${output}.data`]) rmSync(name, { force: true });
      return { kind: "speed", what, bytes, ...pruned, plain };
    },
  }));
