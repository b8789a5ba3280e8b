// Which channel each place of a value belongs to, followed from a value to the one that it is made from. A map has one
// dimension for each axis of the value: its size, or 1 where the place along the axis makes no difference.

/** No channel: what stands there has no factor. */
export const NONE = -1;

export interface ChannelMap {
  /** One for each axis of the value: its size, or 1. */
  readonly dims: readonly number[];
  /** Row-major, the channel of each place, or `NONE`. */
  readonly ids: Int32Array;
}

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/** Channels 0, 1, 2 ... along one axis. */
export const alongAxis = (rank: number, axis: number, channels: number): ChannelMap => ({
  dims: Array.from({ length: rank }, (_, at) => (at === axis ? channels : 1)),
  ids: Int32Array.from({ length: channels }, (_, at) => at),
});

/** The one axis along which a map differs; undefined where there are several or none. */
export function onlyAxis({ dims }: ChannelMap): number | undefined {
  const [axis, more] = dims.flatMap((size, at) => (size > 1 ? [at] : []));
  return more === undefined ? axis : undefined;
}

/** Channels that must have one factor in common, because one number makes them all. */
export class Ties {
  readonly #parents: Int32Array;

  constructor(readonly channels: number) {
    this.#parents = Int32Array.from({ length: channels }, (_, at) => at);
  }

  /** The first of those that a channel is tied to. */
  root(channel: number): number {
    let at = channel;
    while (this.#parents[at] !== at) at = this.#parents[at]!;
    return at;
  }

  /** False where one of them is none: what has no factor cannot share one. */
  tie(a: number, b: number): boolean {
    if (a === NONE || b === NONE) return a === b;
    const [one, other] = [this.root(a), this.root(b)];
    this.#parents[Math.max(one, other)] = Math.min(one, other);
    return true;
  }

  /** What `restore` takes back to. */
  saved(): Int32Array {
    return this.#parents.slice();
  }

  restore(saved: Int32Array): void {
    this.#parents.set(saved);
  }
}

/** The value before a Transpose, as its `perm` says. */
export function beforeTranspose({ dims, ids }: ChannelMap, perm: readonly number[]): ChannelMap {
  const strides = stridesOf(dims);
  const before = perm.map(() => 0);
  const from = perm.map(() => 0);
  for (const [after, axis] of perm.entries()) {
    before[axis] = dims[after]!;
    from[axis] = strides[after]!;
  }
  return { dims: before, ids: gathered(before, from, ids) };
}

/** The value before a Reshape, by its dimensions and those after it; undefined where channels cannot be told apart. */
export function beforeReshape(map: ChannelMap, before: readonly number[], after: readonly number[]) {
  const dims: number[] = [];
  let strides: number[] = [];
  const own = stridesOf(map.dims);
  for (const { from, to } of matchingAxes(before, after)) {
    const ours = to.map((axis) => map.dims[axis]!);
    if (ours.every((size) => size === 1)) {
      for (const _ of from) {
        dims.push(1);
        strides.push(0);
      }
      continue;
    }
    // All of the block, or the inner part of it: [batch * heads, width] from [batch, heads, width] is followed so.
    const size = product(to.map((axis) => after[axis]!));
    if (product(ours) !== size) {
      const inner = innerPart(to, after, map.dims);
      if (inner === undefined) return undefined;
      let left = inner;
      const sizes = from.map((axis) => before[axis]!);
      const kept = sizes.map(() => 1);
      for (let at = sizes.length - 1; at >= 0 && left > 1; at--) {
        if (left % sizes[at]! !== 0) return undefined;
        kept[at] = sizes[at]!;
        left /= sizes[at]!;
      }
      if (left !== 1) return undefined;
      const step = own[to.at(-1)!]! || 1;
      const inside = stridesOf(kept).map((stride) => stride * step);
      dims.push(...kept);
      strides.push(...kept.map((one, at) => (one === 1 ? 0 : inside[at]!)));
      continue;
    }
    const sizes = from.map((axis) => before[axis]!);
    const last = to.findLast((axis) => map.dims[axis]! > 1)!;
    const inside = stridesOf(sizes).map((stride) => stride * own[last]!);
    dims.push(...sizes);
    strides.push(...sizes.map((one, at) => (one === 1 ? 0 : inside[at]!)));
  }
  strides = strides.map((stride, at) => (dims[at] === 1 ? 0 : stride));
  return { dims, ids: gathered(dims, strides, map.ids) } satisfies ChannelMap;
}

/** Elements of the innermost axes of a block that differ, where all outer ones do not; undefined: mixed. */
function innerPart(axes: readonly number[], sizes: readonly number[], map: readonly number[]): number | undefined {
  let inner = 1;
  let outer = false;
  for (const axis of [...axes].reverse()) {
    const differs = map[axis]! > 1;
    if (differs && outer) return undefined;
    if (differs) inner *= map[axis]!;
    else if (sizes[axis]! > 1) outer = true;
  }
  return inner;
}

/** Axes of two shapes of as many elements, in blocks that hold the same elements. */
function* matchingAxes(before: readonly number[], after: readonly number[]) {
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [from, to]: [number[], number[]] = [[], []];
    let [a, b] = [1, 1];
    do {
      if ((a <= b && i < before.length) || j >= after.length) {
        a *= before[i]!;
        from.push(i++);
      } else {
        b *= after[j]!;
        to.push(j++);
      }
    } while (a !== b && (i < before.length || j < after.length));
    yield { from, to };
  }
}

/**
 * The operand of a value that it is broadcast to, by the operand's dimensions. Channels that come from one number of the
 * operand are tied; undefined where one of them has no factor.
 */
export function beforeBroadcast(map: ChannelMap, operand: readonly number[], ties: Ties): ChannelMap | undefined {
  const offset = map.dims.length - operand.length;
  if (offset < 0) return undefined;
  const target = map.dims.map((size, axis) => (axis < offset || operand[axis - offset] === 1 ? 1 : size));
  const merged = mergedTo(map, target, ties);
  return merged && { dims: merged.dims.slice(offset), ids: merged.ids };
}

/** The map with the axes where `target` is 1 merged. */
export function mergedTo(map: ChannelMap, target: readonly number[], ties: Ties): ChannelMap | undefined {
  const ids = new Int32Array(product(target)).fill(-2);
  const strides = stridesOf(target).map((stride, axis) => (target[axis] === 1 ? 0 : stride));
  const places = gathered(map.dims, strides, Int32Array.from(ids.keys()));
  for (const [at, place] of places.entries()) {
    const id = map.ids[at]!;
    if (ids[place] === -2) ids[place] = id;
    else if (!ties.tie(ids[place]!, id)) return undefined;
  }
  return { dims: target, ids };
}

/** The value that the places of `index` along an axis were taken from; places that were not taken have no factor. */
export function beforeGather(
  map: ChannelMap,
  axis: number,
  index: readonly number[],
  size: number,
  ties: Ties,
): ChannelMap | undefined {
  const outer = product(map.dims.slice(0, axis));
  const inner = product(map.dims.slice(axis + 1));
  const ids = new Int32Array(outer * size * inner).fill(-2);
  for (let o = 0; o < outer; o++) {
    for (const [at, from] of index.entries()) {
      for (let i = 0; i < inner; i++) {
        const place = (o * size + from) * inner + i;
        const id = map.ids[(o * index.length + at) * inner + i]!;
        if (ids[place] === -2) ids[place] = id;
        else if (!ties.tie(ids[place]!, id)) return undefined;
      }
    }
  }
  const dims = map.dims.map((one, at) => (at === axis ? size : one));
  return { dims, ids: ids.map((id) => (id === -2 ? NONE : id)) };
}

/** Elements between neighbours along each axis. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * dims[axis + 1]!;
  return strides;
}

/** For each place of `dims`, row-major, what `source` holds at the sum of its indices times `strides`. */
export function gathered(dims: readonly number[], strides: readonly number[], source: Int32Array): Int32Array {
  const made = new Int32Array(product(dims));
  const index = dims.map(() => 0);
  let from = 0;
  for (let at = 0; at < made.length; at++) {
    made[at] = source[from]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += strides[axis]!;
      if (index[axis]! < dims[axis]!) break;
      from -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return made;
}
