// Where the portfolio of real models stands, when it stands beside the checkout.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../shared/portfolio", import.meta.url));

/** The folder that holds models/ and data/, or undefined. */
export const portfolio = (): string | undefined => (existsSync(join(folder, "models")) ? folder : undefined);

/** Paths of all portfolio models, sorted; empty when there is no portfolio. */
export function portfolioModels(): string[] {
  const root = portfolio();
  if (root === undefined) return [];
  const found: string[] = [];
  const walk = (at: string) => {
    for (const name of readdirSync(at).sort()) {
      const path = join(at, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (name.endsWith(".onnx")) found.push(path);
    }
  };
  walk(join(root, "models"));
  return found;
}
