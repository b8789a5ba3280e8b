// The bench's rows as a Markdown table, with ratios against the copy and the peers, and whether each bar is met.

export interface Row {
  /** GiB, as asked. */
  readonly size: number;
  readonly bytes: number;
  readonly name: string;
  readonly seconds: number;
  readonly fastest: number;
  readonly slowest: number;
  readonly peak: number | undefined;
  readonly runs: number;
}

interface MachineInfo {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: number;
  readonly node: string;
  readonly peers: string;
}

/** Peak resident memory allowed whatever the model's size, in bytes. */
const peakBar = 0.7e9;

export function table(rows: readonly Row[], machine: MachineInfo, rounds: number): string {
  const gib = (machine.memory / 2 ** 30).toFixed(0);
  return [
    `${machine.cpu}, ${machine.cores} cores, ${gib} GiB, node ${machine.node.slice(1)}; peers: ${machine.peers}; median of ${rounds} rounds`,
    "",
    "| GiB | command | seconds (fastest to slowest) | GB/s | peak MB | to `cp` + sync | to Python: time, memory |",
    "|---|---|---|---|---|---|---|",
    ...rows.map((row) => line(row, rows)),
    "",
    "Bars:",
    "",
    ...bars(rows).map(({ text, met }) => `- ${met ? "met" : "**not met**"}: ${text}`),
    "",
  ].join("\n");
}

const find = (rows: readonly Row[], size: number, name: string) =>
  rows.find((row) => row.size === size && row.name === name);

function line(row: Row, rows: readonly Row[]): string {
  const copy = find(rows, row.size, "cp + sync");
  const python = find(rows, row.size, `${row.name.replace(/, verified$/, "")}, Python`);
  const speed = python && row !== python ? `${(python.seconds / row.seconds).toFixed(1)} x faster` : "";
  const memory =
    python?.peak && row.peak && row !== python ? `, ${(row.peak / python.peak).toFixed(2)} of the memory` : "";
  return `| ${[
    row.size,
    row.name,
    `${row.seconds.toFixed(2)} (${row.fastest.toFixed(2)} to ${row.slowest.toFixed(2)})`,
    (row.bytes / 1e9 / row.seconds).toFixed(2),
    row.peak === undefined ? "" : Math.round(row.peak / 1e6),
    copy ? (row.seconds / copy.seconds).toFixed(2) : "",
    `${speed}${memory}`,
  ].join(" | ")} |`;
}

/** What is promised, and whether these rows keep it. Sizes below 1 GiB are for orientation only. */
function bars(rows: readonly Row[]): { text: string; met: boolean }[] {
  const found: { text: string; met: boolean }[] = [];
  const sizes = [...new Set(rows.map((row) => row.size))].filter((size) => size >= 1);
  for (const size of sizes) {
    const at = (name: string) => find(rows, size, name);
    const open = at("open + inspect, in process");
    if (open && size >= 4)
      bar(`opening and inspecting ${size} GiB takes ${open.seconds.toFixed(2)} s, under 0.3`, open.seconds < 0.3);
    const save = at("load + save");
    const copy = at("cp + sync");
    if (save && copy) {
      const ratio = save.seconds / copy.seconds;
      bar(`load + save of ${size} GiB takes ${ratio.toFixed(2)} of cp + sync, at most 1.5`, ratio <= 1.5);
    }
    for (const [name, times] of [
      ["fp16", 8],
      ["int8 dynamic", 8],
      ["int4", 5],
    ] as const) {
      const own = at(name);
      const python = at(`${name}, Python`);
      if (!own || !python) continue;
      const faster = python.seconds / own.seconds;
      bar(
        `${name} of ${size} GiB is ${faster.toFixed(1)} times faster than Python, at least ${times}`,
        faster >= times,
      );
      const share = (own.peak ?? Number.POSITIVE_INFINITY) / (python.peak ?? 1);
      bar(`${name} of ${size} GiB takes ${share.toFixed(2)} of Python's peak memory, at most a third`, share <= 1 / 3);
    }
  }
  const own = rows.filter((row) => !/Python|cp|verified/.test(row.name) && row.peak !== undefined);
  const worst = own.reduce((most, row) => Math.max(most, row.peak ?? 0), 0);
  bar(`the largest peak of a command is ${Math.round(worst / 1e6)} MB, under ${peakBar / 1e6}`, worst < peakBar);
  return found;

  function bar(text: string, met: boolean): void {
    found.push({ text, met });
  }
}
