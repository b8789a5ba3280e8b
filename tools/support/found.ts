// Kernels of a provider, from three sources: ONNX Runtime's registry, sessions of one node, and its documentation.

export interface Registry {
  readonly version: string;
  readonly schemas: readonly {
    readonly name: string;
    readonly domain: string;
    readonly since: number;
    readonly dep: boolean;
    /** Name, type, "Single", "Optional" or "Variadic". */
    readonly inputs: readonly (readonly [string, string, string])[];
    readonly outputs: readonly (readonly [string, string, string])[];
    readonly types: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly kernels: readonly {
    readonly name: string;
    readonly domain: string;
    readonly range: readonly [number, number];
    readonly types: Readonly<Record<string, readonly string[]>>;
  }[];
}

/** A session of one node that was tried, and what it said: "ok", an error, or null when it was not tried. */
export interface Found {
  readonly probe: {
    readonly op: string;
    readonly domain: string;
    readonly since: number;
    readonly types: Readonly<Record<string, string>>;
  };
  readonly answer: string | null;
}

type Accepts = Readonly<Record<string, readonly string[]>>;

export interface Kernel {
  readonly name: string;
  readonly domain: string;
  readonly since: number;
  readonly accepts: readonly Accepts[];
  readonly expanded: boolean;
}

type Schema = Registry["schemas"][number];

const id = (one: { name: string; domain: string; since: number }) => `${one.domain}:${one.name}:${one.since}`;
const live = (registry: Registry) => registry.schemas.filter(({ dep }) => !dep);

/** Element types by name, of tensors alone. A constraint of something else (sequences, maps) is left out: any. */
function tensors(types: Readonly<Record<string, readonly string[]>>): Accepts {
  const entries = Object.entries(types).flatMap(([name, all]) => {
    const dtypes = all.flatMap((type) => dtypeOf(type) ?? []);
    return dtypes.length === 0 ? [] : [[name, dtypes] as const];
  });
  return Object.fromEntries(entries);
}

const dtypeOf = (type: string): string | undefined => wide(/^tensor\((\w+)\)$/.exec(type)?.[1]);
const wide = (name: string | undefined) => (name === "float" ? "float32" : name === "double" ? "float64" : name);

/** The registry's kernels, and the operators that have none but whose sessions start: functions of others. */
export function registered(registry: Registry, found: readonly Found[]): Kernel[] {
  const functions = new Map(probed(registry, found).map((one) => [id(one), one]));
  return live(registry).flatMap((schema): Kernel[] => {
    const own = registry.kernels.filter((kernel) => fits(kernel, schema));
    const sets = merged(own.map(({ types }) => tensors(types)));
    if (sets.length > 0) return [{ ...place(schema), accepts: sets, expanded: false }];
    const other = functions.get(id(schema));
    return other ? [{ ...other, expanded: true }] : [];
  });
}

const place = ({ name, domain, since }: Schema) => ({ name, domain, since });

/** ONNX Runtime takes a kernel "from version 13 on" for operators of version 13 alone: a later one may differ. */
const fits = (kernel: Registry["kernels"][number], schema: Schema) =>
  kernel.name === schema.name &&
  kernel.domain === schema.domain &&
  (kernel.range[0] === schema.since ||
    (kernel.range[0] < schema.since && schema.since <= kernel.range[1] && kernel.range[1] < OPEN));

const OPEN = 2 ** 31 - 1;

/** Sets that differ in one type alone are one set. */
function merged(all: readonly Accepts[]): Accepts[] {
  const sets: Record<string, string[]>[] = [];
  for (const one of all) {
    const like = sets.find((set) => differing(set, one).length <= 1);
    if (like === undefined) {
      sets.push(Object.fromEntries(Object.entries(one).map(([name, dtypes]) => [name, [...dtypes]])));
      continue;
    }
    for (const name of differing(like, one)) like[name] = [...new Set([...(like[name] ?? []), ...(one[name] ?? [])])];
  }
  return sets;
}

const differing = (a: Accepts, b: Accepts) =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (name) => [...(a[name] ?? [])].sort().join() !== [...(b[name] ?? [])].sort().join(),
  );

/** No kernel at all, or only the CPU's where that was forbidden. */
const NONE =
  /Could not find an implementation|assigned to the default CPU EP|Provider type for|Kernel not found|kernel is not supported in|No Op registered|not currently registered/;
/** The question itself was wrong: nothing is known of the answer. */
const NO_ANSWER =
  /^CRASH|another WebGPU|memory access out of bounds|Type ?Error|TypeInference|ShapeInference|INVALID_GRAPH|InsertedPrecisionFreeCast|is invalid/;

const worked = ({ answer }: Found) => answer !== null && !NONE.test(answer) && !NO_ANSWER.test(answer);
const failed = ({ answer }: Found) => answer !== null && NONE.test(answer) && !NO_ANSWER.test(answer);

/**
 * What sessions show. Without `like`, each type by itself: those with which any session started. With `like`, its
 * kernels less the types with which every session failed.
 */
export function probed(registry: Registry, found: readonly Found[], like?: readonly Kernel[]): Kernel[] {
  const byOperator = new Map<string, Found[]>();
  for (const one of found) {
    const key = id({ name: one.probe.op, domain: one.probe.domain, since: one.probe.since });
    byOperator.set(key, [...(byOperator.get(key) ?? []), one]);
  }
  if (like) return like.flatMap((kernel) => lessFailed(kernel, byOperator.get(id(kernel)) ?? []));
  return live(registry).flatMap((schema): Kernel[] => {
    const yes = (byOperator.get(id(schema)) ?? []).filter(worked);
    if (yes.length === 0) return [];
    const set: Record<string, string[]> = {};
    for (const { probe } of yes) {
      for (const [name, dtype] of Object.entries(probe.types)) {
        if (!/^\w+$/.test(dtype)) continue;
        set[name] = [...new Set([...(set[name] ?? []), wide(dtype)!])];
      }
    }
    return [{ ...place(schema), accepts: [set], expanded: false }];
  });
}

function lessFailed(kernel: Kernel, tried: readonly Found[]): Kernel[] {
  const accepts = kernel.accepts.flatMap((set): Accepts[] => {
    const inside = tried.filter(({ probe }) =>
      Object.entries(set).every(([name, dtypes]) => {
        const given = probe.types[name];
        return given === undefined || dtypes.includes(wide(given)!);
      }),
    );
    const left = Object.entries(set).map(([name, dtypes]) => {
      const kept = dtypes.filter((dtype) => {
        const of = inside.filter(({ probe }) => wide(probe.types[name]) === dtype);
        return !of.some(failed) || of.some(worked);
      });
      return [name, kept] as const;
    });
    if (left.length === 0) return inside.some(failed) && !inside.some(worked) ? [] : [set];
    return left.some(([, kept]) => kept.length === 0) ? [] : [Object.fromEntries(left)];
  });
  return accepts.length === 0 ? [] : [{ ...kernel, accepts }];
}

/** The table of one provider in docs/OperatorKernels.md: versions as "13+", "[6, 12]" or "10". */
export function documented(registry: Registry, markdown: string, provider: string): Kernel[] {
  const start = markdown.indexOf(`## Operators implemented by ${provider}`);
  const end = markdown.indexOf("\n## ", start + 5);
  let domain = "";
  let name = "";
  const kernels: Registry["kernels"][number][] = [];
  for (const line of markdown.slice(start, end < 0 ? undefined : end).split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    const header = /Operator Domain:\*\* \*([\w.]+)\*/.exec(line);
    if (header) domain = header[1] === "ai.onnx" ? "" : header[1]!;
    const version = /^(?:\[(\d+), (\d+)\]|(\d+)(\+?))$/.exec(cells[3] ?? "");
    if (!version) continue;
    if (cells[1]) name = cells[1];
    const first = Number(version[1] ?? version[3]);
    const last = version[2] !== undefined ? Number(version[2]) : version[4] === "+" ? Number.POSITIVE_INFINITY : first;
    const types = [...(cells[4] ?? "").matchAll(/\*\*(\w+)\*\* = ([^<]*)/g)].map(
      ([, type = "", list = ""]) => [type, list.split(",").map((each) => each.trim())] as const,
    );
    kernels.push({ name, domain, range: [first, last], types: Object.fromEntries(types) });
  }
  return live(registry).flatMap((schema): Kernel[] => {
    const own = kernels.filter((kernel) => fits(kernel, schema));
    return own.length === 0
      ? []
      : [{ ...place(schema), accepts: merged(own.map(({ types }) => tensors(types))), expanded: false }];
  });
}
