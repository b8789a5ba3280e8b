// The generated parts of docs/formats.md, each between its two marks, and the plot beside it.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { latencyTable, loadTable, overBar, readExtract } from "../extract/table.js";
import { repository } from "../measured.js";
import { formatsPlot } from "./plot.js";
import { readFormats } from "./results.js";
import { kneeTable, modelTable, pairsTable, pairsVerdict } from "./tables.js";

const page = join(repository, "docs/formats.md");

/** Writes what there are figures for; the rest of the page stays as it is. */
export function writeFormatsPage(): void {
  let text = readFileSync(page, "utf8");
  const fill = (mark: string, content: string) => {
    const pattern = new RegExp(`(<!-- ${mark}:begin -->)[\\s\\S]*?(<!-- ${mark}:end -->)`);
    if (!pattern.test(text)) throw new Error(`docs/formats.md has no marks for ${mark}`);
    text = text.replace(pattern, (_, begin, end) => `${begin}\n\n${content}\n\n${end}`);
  };
  const formats = readFormats();
  if (formats) {
    const { machine, models } = formats;
    fill(
      "machine",
      `${machine.cpu.trim()}, Node ${machine.node.slice(1)}, ${machine.runtime}; peers: ${machine.peers}.`,
    );
    fill("knee", kneeTable(models));
    fill("models", models.map(modelTable).join("\n\n"));
    fill("pairs", [pairsVerdict(models), pairsTable(models)].join("\n\n"));
    mkdirSync(join(repository, "docs/images"), { recursive: true });
    writeFileSync(join(repository, "docs/images/formats.svg"), formatsPlot(models));
  }
  const rows = readExtract();
  if (rows.length > 0) {
    fill("latency", [overBar(rows), latencyTable(rows)].join("\n\n"));
    fill("load", loadTable(rows));
  }
  writeFileSync(page, text);
}
