// One conversion by pare in a process of its own, timed: apply.ts <model> <output> <recipe>.

import { compress, load, type Recipe, save } from "../../src/index.js";
import { portfolioData } from "../../tests/support/portfolio-data.js";

const [path, output, recipe] = process.argv.slice(2) as [string, string, string];
const start = performance.now();
const { model } = await compress(await load(path), JSON.parse(recipe) as Recipe, { data: portfolioData(path) });
await save(model, output);
console.log(`seconds ${(performance.now() - start) / 1000}`);
