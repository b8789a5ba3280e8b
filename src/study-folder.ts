// A study in a folder: a file for each finished run, written whole or not at all, and the report in its three forms.

import { platform } from "#platform";
import { invalid } from "./base/errors.js";
import type { StudyReport } from "./metrics/study-report.js";
import { studyForms } from "./report/study/index.js";
import type { StudyStore } from "./search/study/store.js";

/** Runs stand in `<folder>/runs/<key>.json`. Throws `file-...` errors where the folder cannot be made. */
export async function studyFolder(folder: string): Promise<StudyStore> {
  const runs = within(folder, "runs");
  await platform.makeFolder(runs);
  return {
    name: folder,
    async read(key) {
      const path = within(runs, `${key}.json`);
      if ((await platform.realPath(path)) === undefined) return undefined;
      const { source } = await platform.open(path);
      try {
        return JSON.parse(new TextDecoder().decode(await source.read(0, source.size))) as unknown;
      } catch (error) {
        // Damaged: as good as none, and written anew.
        if (error instanceof SyntaxError) return undefined;
        throw error;
      } finally {
        await source.close?.();
      }
    },
    write: (key, json) => writeText(within(runs, `${key}.json`), `${JSON.stringify(json)}\n`),
  };
}

/** Writes `study.html`, `study.csv` and `study.json` into a folder that is there, and gives their paths. */
export async function writeStudy(report: StudyReport, folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { extension, render } of studyForms) {
    const path = within(folder, `study.${extension}`);
    await writeText(path, await render(report));
    paths.push(path);
  }
  return paths;
}

async function writeText(path: string, text: string): Promise<void> {
  const sink = await platform.create(path);
  try {
    await sink.write(new TextEncoder().encode(text));
    await sink.finish();
    await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

function within(folder: string, name: string): string {
  if (folder === "") throw invalid("option-invalid", "The study needs a folder.", { expected: "-o study/" });
  return `${folder.replace(/[/\\]+$/, "") || "/"}/${name}`.replace("//", "/");
}
