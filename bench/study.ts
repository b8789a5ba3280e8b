// The studies of docs/study.md: makes what is missing, and writes their tables into that page between its markers, and
// bench/results/study-<name>.csv. What is finished stands in bench/.work/study and is not made again.
//   npx tsx bench/study.ts [names...] [--jobs 2] [--tables]     --tables: what is finished already, nothing is run
// Needs the portfolio. On two quiet cores the studies of MNIST take about ten minutes together, those of ResNet-20 about
// twelve, that of ResNet-56 about eight.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { load, type Model, type StudyReport, save, study } from "../src/index.js";
import { studyForms } from "../src/report/study/index.js";
import { repository } from "./measured.js";
import { studyTables, summary, withSection } from "./study/tables.js";
import { type StudyTask, tasks } from "./study/tasks.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: "string", default: "2" }, tables: { type: "boolean", default: false } },
});
const unknown = positionals.find((name) => tasks.every((task) => task.name !== name));
if (unknown !== undefined) throw new Error(`no study "${unknown}": ${tasks.map(({ name }) => name).join(", ")}`);
const work = join(repository, "bench/.work/study");
const page = join(repository, "docs/study.md");

for (const task of tasks) {
  if (values.tables || (positionals.length > 0 && !positionals.includes(task.name))) continue;
  const report = await made(task);
  writeFileSync(reportFile(task), JSON.stringify(report));
  write();
}
if (values.tables) write();

async function made(task: StudyTask): Promise<StudyReport> {
  const folder = join(work, task.name);
  mkdirSync(folder, { recursive: true });
  const begun = performance.now();
  const { model, earlier } = await start(task, folder);
  const beside: string[] = [];
  for (const { name, model: other } of (await task.beside?.()) ?? []) {
    const path = join(folder, `${name}.onnx`);
    await save(other, path);
    beside.push(path);
  }
  process.stderr.write(`${task.title}\n`);
  const report = await study(model, task.settings, {
    data: task.data,
    folder,
    limit: task.limit,
    jobs: Number(values.jobs),
    earlier,
    beside,
    onRun({ run, done, total, secondsLeft }) {
      const found = run.error?.message.split("\n")[0] ?? run.record?.measured.value.toFixed(4);
      const left = secondsLeft === undefined ? "" : `, ${Math.round(secondsLeft)} s left`;
      const { structure, score, scope, schedule, weights } = run.method;
      const name = [structure, score, scope, schedule, weights, run.ratio, run.seed].join(" ");
      process.stderr.write(`${done} of ${total}: ${name}: ${found}${left}\n`);
    },
  });
  process.stderr.write(`${((performance.now() - begun) / 60_000).toFixed(1)} minutes\n`);
  return report;
}

/** What was trained for a study is kept: its runs are of these very weights. */
async function start(task: StudyTask, folder: string): Promise<{ model: Model; earlier?: Model }> {
  const [final, before] = [join(folder, "start.onnx"), join(folder, "earlier.onnx")];
  if (!existsSync(final)) {
    const { model, earlier } = await task.start();
    if (earlier) await save(earlier, before);
    await save(model, final);
  }
  const model = await load(final);
  return existsSync(before) ? { model, earlier: await load(before) } : { model };
}

function reportFile({ name }: StudyTask): string {
  return join(work, `${name}.json`);
}

/** The page and the lists of runs, from all studies that are finished. */
function write(): void {
  const done = tasks.flatMap((task) =>
    existsSync(reportFile(task))
      ? [{ ...task, report: JSON.parse(readFileSync(reportFile(task), "utf8")) as StudyReport }]
      : [],
  );
  let text = readFileSync(page, "utf8");
  for (const { name, report } of done) text = withSection(text, name, studyTables(report));
  text = withSection(text, "answers", summary(done));
  writeFileSync(page, text);
  const csv = studyForms.find(({ extension }) => extension === "csv")!;
  for (const { name, report } of done) {
    // Where the model lay on this machine is nobody's business.
    const bare = { ...report, model: name };
    csv
      .render(bare)
      .then((rows) => writeFileSync(join(repository, "bench/results", `study-${name}.csv`), rows))
      .catch((error: unknown) => {
        throw error;
      });
  }
}
