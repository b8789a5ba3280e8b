// Runs dependency-cruiser with the rules of directions.ts over src/ of a folder, and says what breaks them.

import { cruise } from "dependency-cruiser";
import { directionRules } from "./directions.js";
import { methodFolders } from "./method-folders.js";

export interface BrokenRule {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** `root` holds src/ and a package.json whose "imports" resolve `#platform`. Throws when nothing was looked at. */
export async function brokenRules(root: string): Promise<{ modules: number; broken: BrokenRule[] }> {
  const forbidden = directionRules(methodFolders(root));
  const { output } = await cruise(
    ["src"],
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden },
      // Type-only imports count: a type is knowledge too.
      tsPreCompilationDeps: true,
      doNotFollow: { path: "node_modules" },
    },
    // Without "types": `#platform` then is the file that would run, not its declaration.
    { conditionNames: ["node", "import"], exportsFields: ["exports"], mainFields: ["module", "main", "types"] },
  );
  if (typeof output === "string") throw new Error("dependency-cruiser gave text where its result was expected");
  if (output.modules.length === 0) throw new Error(`nothing to check under ${root}/src`);
  const why = new Map(forbidden.map((rule) => [rule.name, rule.comment ?? ""]));
  return {
    modules: output.modules.length,
    broken: output.summary.violations.map(({ rule, from, to }) => {
      return { rule: rule.name, from, to, why: why.get(rule.name) ?? "" };
    }),
  };
}
