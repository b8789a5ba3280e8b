// A study in a folder: a file for each finished run, written whole or not at all, and the report in its three forms.

import { platform } from "#platform";
import { invalid } from "./base/errors.js";
import type { StudyReport } from "./metrics/study-report.js";
import { studyForms } from "./report/study/index.js";
import type { StudyStore } from "./search/study/store.js";
import { readWhole, writeWhole } from "./whole-file.js";

/** Runs stand in `<folder>/runs/<key>.json`. Throws `file-...` errors where the folder cannot be made. */
export async function studyFolder(folder: string): Promise<StudyStore> {
  const runs = within(folder, "runs");
  await platform.makeFolder(runs);
  return {
    name: folder,
    async read(key) {
      const bytes = await readWhole(within(runs, `${key}.json`));
      if (bytes === undefined) return undefined;
      try {
        return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
      } catch (error) {
        // Damaged: as good as none, and written anew.
        if (error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
    write: (key, json) => writeWhole(within(runs, `${key}.json`), `${JSON.stringify(json)}\n`),
  };
}

/** Writes `study.html`, `study.csv` and `study.json` into a folder that is there, and gives their paths. */
export async function writeStudy(report: StudyReport, folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { extension, render } of studyForms) {
    const path = within(folder, `study.${extension}`);
    await writeWhole(path, await render(report));
    paths.push(path);
  }
  return paths;
}

function within(folder: string, name: string): string {
  if (folder === "") throw invalid("option-invalid", "The study needs a folder.", { expected: "-o study/" });
  return `${folder.replace(/[/\\]+$/, "") || "/"}/${name}`.replace("//", "/");
}
