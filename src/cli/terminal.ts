// What the command line says: progress and notes to stderr, results to stdout, nothing else when JSON was asked for.

import { SingleBar } from "cli-progress";
import pc from "picocolors";
import type { Note, Progress } from "../index.js";

export interface Terminal {
  /** A result, for people. Silent with --json and --quiet. */
  print(text: string): void;
  /** A result, for programs: the one JSON document. */
  json(value: unknown): void;
  /** Something to know, on stderr. Silent with --quiet. */
  say(text: string): void;
  notes(notes: readonly Note[], all: boolean): void;
  /** `detail`: the last figures, behind the bar. */
  progress(progress: Progress & { readonly detail?: string }): void;
  /** Takes the progress bar away, before anything else is written. */
  clear(): void;
}

let printed = false;

/** Whether the one JSON document is out. */
export const jsonPrinted = (): boolean => printed;

export function terminal(options: { readonly json?: boolean; readonly quiet?: boolean }): Terminal {
  const bar = progressBar(options.quiet === true);
  return {
    print(text) {
      bar.clear();
      if (!options.json && !options.quiet) process.stdout.write(`${text}\n`);
    },
    json(value) {
      bar.clear();
      if (!options.json) return;
      printed = true;
      process.stdout.write(`${JSON.stringify(value, replacer, 2)}\n`);
    },
    say(text) {
      bar.clear();
      if (!options.quiet) process.stderr.write(`${text}\n`);
    },
    notes(notes, all) {
      bar.clear();
      if (options.quiet) return;
      for (const line of noteLines(notes, all)) process.stderr.write(`${line}\n`);
    },
    progress: bar.update,
    clear: bar.clear,
  };
}

/** Many nodes with the same story are one line, unless all were asked for. */
function noteLines(notes: readonly Note[], all: boolean): string[] {
  if (all) return notes.map(noteLine);
  const groups = new Map<string, Note[]>();
  for (const note of notes) {
    const key = `${note.level} ${note.code}`;
    groups.set(key, [...(groups.get(key) ?? []), note]);
  }
  return [...groups.values()].map((group) => {
    const first = noteLine(group[0] as Note);
    return group.length === 1
      ? first
      : `${first} ${pc.dim(`(and ${group.length - 1} more of "${group[0]?.code}"; --verbose lists them)`)}`;
  });
}

function noteLine(note: Note): string {
  const mark = note.level === "warning" ? pc.yellow("!") : pc.dim("-");
  const named = note.node === undefined || note.text.includes(note.node);
  return `${mark} ${named ? "" : `${pc.bold(note.node)}: `}${note.text}`;
}

function progressBar(quiet: boolean) {
  let bar: SingleBar | undefined;
  let task = "";
  const clear = () => {
    bar?.stop();
    bar = undefined;
    task = "";
  };
  return {
    clear,
    update(progress: Progress & { readonly detail?: string }) {
      if (quiet || !process.stderr.isTTY || progress.total <= 0) return;
      if (progress.task !== task) {
        clear();
        task = progress.task;
        bar = new SingleBar({
          format: `{task} ${pc.cyan("{bar}")} {percentage}% {eta_formatted} left{detail}`,
          stream: process.stderr,
          clearOnComplete: true,
          hideCursor: true,
          barsize: 24,
          linewrap: null,
          gracefulExit: false,
        });
        bar.start(progress.total, progress.done, { task, detail: "" });
      } else {
        bar?.setTotal(progress.total);
        bar?.update(progress.done, { detail: progress.detail === undefined ? "" : `, ${progress.detail}` });
      }
      if (progress.done >= progress.total) clear();
    },
  };
}

const replacer = (_key: string, value: unknown) =>
  typeof value === "bigint" ? Number(value) : typeof value === "number" && !Number.isFinite(value) ? null : value;
