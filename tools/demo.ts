// npm run demo: compresses real trained models with the public command alone, prints their accuracy on labelled data
// before and after, and names the reports. With the portfolio beside the checkout three of its models are used; without
// it the keyword-spotting model that ships in examples/.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import pc from "picocolors";
import { portfolio } from "../tests/support/portfolio.js";
import { keyOf, portfolioData } from "../tests/support/portfolio-data.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "demo-out");
const models = portfolio() === undefined ? [] : portfolioModels(`${portfolio()}/models`);

const demos = models.length > 0 ? models : [shipped()];
mkdirSync(out, { recursive: true });
let failures = 0;
for (const { title, model, data } of demos) {
  console.log(pc.bold(`\n== ${title}`));
  const name = keyOf(model);
  const pared = join(out, `${name}.pared.onnx`);
  failures += pare(model, "-o", pared, "--data", data, "--report", join(out, `${name}.html`));
  failures += pare("measure", model, pared, "--data", data);
}
const reports = demos.map(({ model }) => shown(join(out, `${keyOf(model)}.html`)));
console.log(`\n${pc.bold("Reports to open in a browser:")}\n${reports.map((path) => `  ${path}`).join("\n")}`);
process.exitCode = failures === 0 ? 0 : 1;

function pare(...args: string[]): number {
  console.log(pc.dim(`$ pare ${args.map(shown).join(" ")}`));
  const { status } = spawnSync(process.execPath, [join(root, "dist/node/cli.js"), ...args], { stdio: "inherit" });
  return status === 0 ? 0 : 1;
}

function shown(path: string): string {
  return path.startsWith("/") ? relative(process.cwd(), path) : path;
}

function shipped() {
  const folder = join(root, "examples/keywords");
  return {
    title: "Keyword spotting: DS-CNN, 12 classes (ships with pare)",
    model: join(folder, "model.onnx"),
    data: join(folder, "dataset.json"),
  };
}

function portfolioModels(folder: string) {
  const wanted = {
    "Images: SqueezeNet 1.1, 1000 classes": join(folder, "squeezenet1.1.onnx"),
    "Sound: DS-CNN keyword spotting, 12 classes": join(folder, "keywords-ds-cnn.onnx"),
    "Text: transformer on AG News, 4 classes": join(folder, "agnews-transformer/model.onnx"),
  };
  return Object.entries(wanted).flatMap(([title, model]) => {
    const spec = portfolioData(model);
    if (spec === undefined) return [];
    mkdirSync(out, { recursive: true });
    // As a user would write it; the parts that pare makes by itself need no mention.
    const data = join(out, `${keyOf(model)}.dataset.json`);
    writeFileSync(data, `${JSON.stringify(spec, null, 2)}\n`);
    return [{ title, model, data }];
  });
}
