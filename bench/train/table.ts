// The bench's rows as Markdown: times, memory, agreement, and whether each bar is met.

export interface SideFigures {
  readonly name: "ours" | "torch";
  readonly versions?: string | undefined;
  /** The fastest timed step. */
  readonly milliseconds: number;
  readonly all: readonly number[];
  /** Resident bytes before the model is opened, and the most there ever were. */
  readonly idle: number;
  readonly peak: number;
  readonly losses: readonly number[];
}

export interface Comparison {
  readonly weights: number;
  /** The weight whose first gradient differs most, in norm, relative to its norm. */
  readonly gradient: { readonly weight: string; readonly difference: number };
  /** Largest relative difference of the losses of steps 1 to 10, and of the mean of steps 41 to 50, where these were run. */
  readonly firstLosses: number;
  readonly lateLosses?: number;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly batch: number;
  readonly training: boolean;
  readonly sides: readonly SideFigures[];
  readonly agreement?: Comparison;
  /** Milliseconds of the fastest step under ONNX Runtime's profiler, and those in kernels. */
  readonly inside?: { readonly step: number; readonly kernels: number };
}

export interface MemoryRow {
  readonly title: string;
  readonly batch: number;
  readonly recompute: boolean;
  readonly idle: number;
  readonly peak: number;
  readonly milliseconds: number;
  readonly losses: readonly number[];
}

export interface Results {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string; readonly runtime: string };
  readonly threads: number;
  readonly rows: readonly Row[];
  readonly memory: readonly MemoryRow[];
}

export function table({ machine, threads, rows, memory }: Results): string {
  const torch = rows.flatMap(({ sides }) => sides).find(({ versions }) => versions !== undefined)?.versions;
  return [
    `${machine.cpu}, ${machine.cores} cores; ${threads} threads; Node ${machine.node.slice(1)}, ${machine.runtime}; ${torch ?? "no PyTorch"}`,
    "",
    "| model | batch | ms a step: pare, PyTorch | times PyTorch's | samples/s: pare, PyTorch | peak above idle, MB: pare, PyTorch | times PyTorch's | idle MB: pare, PyTorch | outside kernels |",
    "|---|---|---|---|---|---|---|---|---|",
    ...rows.map(line),
    "",
    "| model | weights | first gradients differ by | losses of steps 1 to 10 | mean loss of steps 41 to 50 |",
    "|---|---|---|---|---|",
    ...rows.flatMap(({ title, agreement }) =>
      agreement
        ? [
            `| ${title} | ${agreement.weights} | ${agreement.gradient.difference.toExponential(1)} | ${agreement.firstLosses.toExponential(1)} | ${agreement.lateLosses === undefined ? "" : `${(100 * agreement.lateLosses).toFixed(3)}%`} |`,
          ]
        : [],
    ),
    ...(memory.length === 0
      ? []
      : [
          "",
          "| model | batch | | peak above idle, MB | ms a step |",
          "|---|---|---|---|---|",
          ...memory.map(
            (row) =>
              `| ${row.title} | ${row.batch} | ${row.recompute ? "`--recompute`" : ""} | ${mb(row.peak - row.idle)} | ${row.milliseconds.toFixed(0)} |`,
          ),
        ]),
    "",
    ...bars(rows, memory).map(({ text, met }) => `- ${met ? "met" : "**not met**"}: ${text}`),
    "",
  ].join("\n");
}

const mb = (bytes: number) => (bytes / 1e6).toFixed(0);
const above = ({ peak, idle }: SideFigures) => peak - idle;

function line({ title, batch, sides, inside }: Row): string {
  const each = (of: (side: SideFigures) => string) => sides.map(of).join(", ");
  const [ours, theirs] = sides;
  const ratio = (of: (side: SideFigures) => number) => (ours && theirs ? (of(ours) / of(theirs)).toFixed(2) : "");
  return `| ${[
    title,
    batch,
    each(({ milliseconds }) => milliseconds.toFixed(1)),
    ratio(({ milliseconds }) => milliseconds),
    each(({ milliseconds }) => ((batch / milliseconds) * 1000).toFixed(0)),
    each((side) => mb(above(side))),
    ratio(above),
    each(({ idle }) => mb(idle)),
    inside === undefined ? "" : `${(100 * outside(sides, inside)).toFixed(1)}%`,
  ].join(" | ")} |`;
}

/** Share of a step that no kernel of ONNX Runtime computes: of the profiled step, or of the trained one where that takes longer. */
function outside(sides: readonly SideFigures[], inside: NonNullable<Row["inside"]>): number {
  const ours = sides.find(({ name }) => name === "ours");
  return 1 - inside.kernels / Math.max(inside.step, ours?.milliseconds ?? 0);
}

function bars(rows: readonly Row[], memory: readonly MemoryRow[]): { text: string; met: boolean }[] {
  const found: { text: string; met: boolean }[] = [];
  const both = rows.filter(({ sides }) => sides.length === 2);
  if (both.length > 0) {
    const ratios = both.map(({ sides: [ours, theirs] }) => ours!.milliseconds / theirs!.milliseconds);
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    bar(`${mean.toFixed(2)} times PyTorch's time on the geometric mean, at most 1.2`, mean <= 1.2);
    const slowest = Math.max(...ratios);
    bar(`${slowest.toFixed(2)} times PyTorch's time on the slowest model, at most 1.6`, slowest <= 1.6);
    const largest = Math.max(...both.map(({ sides: [ours, theirs] }) => above(ours!) / above(theirs!)));
    bar(`${largest.toFixed(2)} times PyTorch's peak memory above idle at the most, at most 1.5`, largest <= 1.5);
    const gradient = Math.max(...both.map(({ agreement }) => agreement!.gradient.difference));
    bar(
      `first gradients differ by ${gradient.toExponential(1)} of their norm at the most, at most 1e-4`,
      gradient <= 1e-4,
    );
    const first = Math.max(...both.map(({ agreement }) => agreement!.firstLosses));
    bar(`the first 10 losses differ by ${first.toExponential(1)} at the most, at most 1e-4`, first <= 1e-4);
    const late = Math.max(...both.map(({ agreement }) => agreement!.lateLosses ?? Number.POSITIVE_INFINITY));
    bar(`mean losses of steps 41 to 50 differ by ${(100 * late).toFixed(2)}% at the most, at most 2%`, late <= 0.02);
  }
  const resnet = rows.find(({ name }) => name === "resnet20");
  if (resnet?.inside) {
    const share = outside(resnet.sides, resnet.inside);
    bar(`${(100 * share).toFixed(1)}% of a ResNet-20 step is outside ONNX Runtime's kernels, under 5%`, share < 0.05);
  }
  const [plain, saving] = memory;
  if (plain && saving) {
    const share = (saving.peak - saving.idle) / (plain.peak - plain.idle);
    const equal = plain.losses.every((loss, i) => loss === saving.losses[i]);
    bar(`\`--recompute\` takes ${share.toFixed(2)} of the peak memory, at most 0.5`, share <= 0.5);
    bar(`its losses are ${equal ? "equal bit by bit" : "not equal"}`, equal);
  }
  return found;

  function bar(text: string, met: boolean): void {
    found.push({ text, met });
  }
}
