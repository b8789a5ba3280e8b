// Who may import whom, as dependency-cruiser rules. The table is the plan of the house: a folder may import what stands
// in its row, and itself. Tests beside the files are free of it, as they join what the code keeps apart.

import type { IForbiddenRuleType } from "dependency-cruiser";
import type { MethodFolder } from "./method-folders.js";

const numbers = ["tensor", "base"];
const graphs = ["ir", ...numbers];
const methods = [
  "step",
  "train",
  "statistics",
  "weights",
  "metrics",
  "passes",
  "engine",
  "data",
  "targets",
  "ops",
  "kernels",
  ...graphs,
];

/** Folder under src/ to the folders that it may import. A folder that is missing here may import nothing. */
export const table: Readonly<Record<string, readonly string[]>> = {
  base: [],
  tensor: ["base"],
  kernels: numbers,
  ir: numbers,
  onnx: graphs,
  ops: graphs,
  targets: graphs,
  hardware: ["ops", ...graphs],
  data: ["ops", ...graphs],
  engine: ["onnx", ...graphs],
  step: ["engine", "data", "targets", "kernels", ...graphs],
  passes: ["step", "engine", "onnx", "ops", "kernels", ...graphs],
  // What counts as a weight, how the graph sees it, and how people name it.
  weights: ["passes", "ops", ...graphs],
  // What is seen of the values of a model on data, for methods that calibrate, prune or fit weights.
  statistics: ["step", "weights", "engine", "data", "ops", "kernels", ...graphs],
  metrics: ["engine", "onnx", "data", "ops", "hardware", "kernels", ...graphs],
  train: ["step", "metrics", "passes", "engine", "data", "ops", ...graphs],
  prune: methods,
  quantize: methods,
  distill: methods,
  search: ["prune", "quantize", "distill", ...methods],
  // Which files and recipes make a model folder of the Hub; the verb beside it does the work.
  hub: ["quantize", ...methods],
  // The Report type is declared in metrics; how numbers are made is not the report's business.
  report: ["metrics", "base"],
  // platform implements interfaces that these declare; kernels, because a worker runs them.
  platform: ["kernels", "engine", "data", ...numbers],
};

/** Every rule says why in its comment, which is what a person sees who breaks it. */
export function directionRules(folders: readonly MethodFolder[]): IForbiddenRuleType[] {
  return [...Object.entries(table).map(row), ...walls, ...folders.flatMap(oneMethodOneFile)];
}

const test = "\\.test\\.ts$";

function row([folder, allowed]: readonly [string, readonly string[]]): IForbiddenRuleType {
  return {
    name: `${folder}-imports`,
    comment: `src/${folder} may import ${allowed.length === 0 ? "nothing" : allowed.join(", ")}: what stands below it.`,
    severity: "error",
    from: { path: `^src/${folder}/`, pathNot: test },
    to: { path: "^src/", pathNot: `^src/(?:${[folder, ...allowed].join("|")})/` },
  };
}

const walls: IForbiddenRuleType[] = [
  {
    name: "folder-without-row",
    comment: "A new folder under src/ gets a row in tools/house/directions.ts first, so that its place is decided.",
    severity: "error",
    from: { path: "^src/[^/]+/", pathNot: `^src/(?:cli|${Object.keys(table).join("|")})/|${test}` },
    to: {},
  },
  {
    name: "no-cycle",
    comment:
      "In a cycle nothing can be read, tested or changed first. Types alone may refer to each other, as data does.",
    severity: "error",
    from: { path: "^src/" },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "no-platform-below-the-verbs",
    comment:
      "The verbs hand the platform down as services: what is below them runs anywhere and is tested without one.",
    severity: "error",
    from: { path: "^src/[^/]+/", pathNot: `^src/platform/|${test}` },
    to: { path: "^src/platform/|^#platform$" },
  },
  {
    name: "platforms-apart",
    comment: "The page's half must not pull in Node's, nor the other way: `#platform` picks one of the two.",
    severity: "error",
    from: { path: "^src/platform/(node|browser)[./]", pathNot: test },
    to: { path: "^src/platform/(?:node|browser)[./]", pathNot: "^src/platform/$1[./]" },
  },
  {
    name: "node-only-where-node-is",
    comment: "The core runs in the page too: only platform/node and the command line know Node.",
    severity: "error",
    from: { path: "^src/", pathNot: `^src/cli/|^src/platform/node[./]|${test}` },
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "runtime-behind-platform",
    comment:
      "onnxruntime and sharp are loaded late, by platform/ alone: everything else asks the interface in engine/.",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/platform/" },
    to: { path: "(?:^|/)node_modules/(?:onnxruntime-[^/]+|sharp)/|^(?:onnxruntime-[a-z]+|sharp)(?:/|$)" },
  },
  {
    name: "methods-meet-in-a-recipe",
    comment: "prune, quantize and distill never import each other: they are combined by the user's list of steps.",
    severity: "error",
    from: { path: "^src/(prune|quantize|distill)/" },
    to: { path: "^src/(?:prune|quantize|distill)/", pathNot: "^src/$1/" },
  },
  {
    name: "cli-through-the-door",
    comment: "The command line is a user of the library: index.ts, and report/. What it lacks there, users lack too.",
    severity: "error",
    from: { path: "^src/cli/", pathNot: test },
    to: { path: "^src/", pathNot: "^src/(?:cli|report)/|^src/index\\.ts$" },
  },
  {
    name: "index-is-a-door",
    comment: "Nothing inside goes out by the front door and in again: import the file itself.",
    severity: "error",
    from: { path: "^src/", pathNot: `^src/cli/|${test}` },
    to: { path: "^src/index\\.ts$" },
  },
  {
    name: "verbs-below-cli",
    comment: "The library knows nothing of the command line.",
    severity: "error",
    from: { path: "^src/[^/]+\\.ts$", pathNot: test },
    to: { path: "^src/cli/" },
  },
  {
    name: "nothing-from-tests",
    comment: "What ships does not import what only tests and tools have.",
    severity: "error",
    from: { path: "^src/", pathNot: test },
    to: { path: "^(?:tests|tools|bench|examples)/|\\.test\\.ts$" },
  },
  {
    name: "no-unresolved",
    comment: "An import that resolves to nothing fails at run time.",
    severity: "error",
    from: { path: "^src/", pathNot: test },
    to: { couldNotResolve: true, pathNot: "^(?:onnxruntime-[a-z]+|sharp)(?:/|$)" },
  },
];

/** One method, one file, one line in the list: so that a method can be added, read and removed alone. */
function oneMethodOneFile(folder: MethodFolder): IForbiddenRuleType[] {
  const files = new Set([...folder.methodFiles, ...folder.listed.flatMap(({ file }) => file ?? [])]);
  return [...files].map((file) => {
    const stem = `^${literal(`${folder.path}/${file.slice("./".length, -".ts".length)}`)}`;
    return {
      name: "methods-by-their-list",
      comment:
        "Only the index.ts of its folder imports a method file; what two methods share stands in a file of its own.",
      severity: "error",
      from: { path: "^src/", pathNot: `^${literal(folder.path)}/index\\.ts$|${test}` },
      to: { path: `${stem}\\.ts$` },
    };
  });
}

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
