// Reshape and its kin: the same elements along other axes. Where axes are split or merged only one factor of them can be
// cut, since what is left must again be a box; which one is decided when all else that couples channels is known.

import type { Axis } from "../../ops/channels/rule.js";
import type { Coupling, Obstacle } from "./coupling.js";

export interface Regrouping {
  readonly from: string;
  readonly to: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Label of the node. */
  readonly node: string;
}

/** Axes of both sides that hold the same elements, and the factors that both can be divided into, outer first. */
interface Block {
  readonly sides: readonly Side[];
  readonly factors: readonly Factor[];
}

interface Side extends Axis {
  readonly length: number;
  /** Elements of the block from one position to the next. */
  readonly stride: number;
  /** Of the value before. */
  readonly from: boolean;
}

interface Factor {
  readonly length: number;
  readonly stride: number;
}

/** An input axis and an output axis whose positions were joined. */
export type Carried = readonly [from: Axis, to: Axis];

/**
 * Decides all regroupings: first those with one way, then those that attention heads decide, at last the way that leaves
 * most channels free. Gives for each the pairs of axes that carry cuts.
 */
export function regroupAll(coupling: Coupling, regroupings: readonly Regrouping[]): Map<Regrouping, Carried[]> {
  const carried = new Map<Regrouping, Carried[]>();
  const open: { readonly block: Block; readonly of: Regrouping }[] = [];
  const settle = (of: Regrouping, block: Block, factor: Factor | undefined) => {
    const pairs = join(coupling, block, factor, of);
    carried.set(of, [...(carried.get(of) ?? []), ...pairs]);
  };
  for (const of of regroupings) {
    for (const block of blocks(of)) {
      if (block.factors.length < 2) settle(of, block, block.factors[0]);
      else open.push({ block, of });
    }
  }
  // Each decision may decide others: attention tags heads on one side of a chain of reshapes.
  while (open.length > 0) {
    const at = next(coupling, open);
    const [{ block, of }] = open.splice(at.index, 1) as [(typeof open)[number]];
    settle(of, block, at.factor);
  }
  return carried;
}

function next(coupling: Coupling, open: readonly { readonly block: Block }[]) {
  for (const [index, { block }] of open.entries()) {
    const heads = block.factors.filter((factor) => isHead(coupling, block, factor));
    // Of heads in groups the outer factor counts those of keys and values, and the inner the queries that share one.
    if (heads.length > 0) return { index, factor: heads[0] };
  }
  for (const [index, { block }] of open.entries()) {
    const ways = block.factors.filter((factor) => freeClasses(coupling, block, factor) > 0);
    if (ways.length < 2) return { index, factor: ways[0] };
  }
  const { block } = open[0]!;
  return { index: 0, factor: best(coupling, block, block.factors) };
}

/** The way with most classes that may go; the outer of equals. */
function best(coupling: Coupling, block: Block, factors: readonly Factor[]): Factor | undefined {
  let found: Factor | undefined;
  let most = 0;
  for (const factor of factors) {
    const classes = freeClasses(coupling, block, factor);
    if (classes > most) [found, most] = [factor, classes];
  }
  return found;
}

/** A side that is this factor and nothing else counts heads. */
function isHead(coupling: Coupling, block: Block, factor: Factor): boolean {
  return sidesOf(block, factor).some((side) => {
    const first = coupling.firstOf(side);
    return first >= 0 && coupling.hasKind(first, "head") && freeClasses(coupling, block, factor) > 0;
  });
}

const sidesOf = ({ sides }: Block, { stride, length }: Factor) =>
  sides.filter((side) => side.stride <= stride && stride * length <= side.stride * side.length);

/** How many classes could go one by one if this factor carried the cut. */
function freeClasses(coupling: Coupling, block: Block, factor: Factor): number {
  const carriers = sidesOf(block, factor);
  const kept = new Set<number>();
  for (const side of block.sides) {
    const first = coupling.firstOf(side);
    if (first < 0 || carriers.includes(side)) continue;
    for (let at = 0; at < side.length; at++) kept.add(coupling.rootOf(first + at));
  }
  // Roots that the factor's positions would join: a small union-find by label.
  const parent = new Map<number, number>();
  const find = (root: number): number => {
    const up = parent.get(root) ?? root;
    return up === root ? root : find(up);
  };
  const byKey = new Map<number, number>();
  const all = new Set<number>();
  for (const side of carriers) {
    const first = coupling.firstOf(side);
    if (first < 0) return 0;
    for (let at = 0; at < side.length; at++) {
      const root = coupling.rootOf(first + at);
      all.add(root);
      const key = keyOf(side, factor, at);
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, root);
      else {
        const [a, b] = [find(known), find(root)];
        if (a !== b) parent.set(a, b);
      }
    }
  }
  const bad = new Set<number>();
  for (const root of all) if (kept.has(root) || coupling.isKept(root)) bad.add(find(root));
  const free = new Set<number>();
  for (const root of all) if (!bad.has(find(root))) free.add(find(root));
  // One class that holds everything cannot go.
  return free.size === 1 && bad.size === 0 ? 0 : free.size;
}

const keyOf = (side: Side, factor: Factor, at: number) =>
  Math.floor((at * side.stride) / factor.stride) % factor.length;

function join(coupling: Coupling, block: Block, factor: Factor | undefined, { node }: Regrouping): Carried[] {
  const carriers = factor === undefined ? [] : sidesOf(block, factor);
  const obstacle = (factor ? undefined : whyNone(coupling, block)) ?? {
    reason: "a reshape lays other axes across it",
    node,
  };
  for (const side of block.sides) {
    const first = coupling.firstOf(side);
    if (first < 0) continue;
    if (!carriers.includes(side)) {
      for (let at = 0; at < side.length; at++) coupling.keep(first + at, obstacle);
      continue;
    }
    const leader = coupling.firstOf(carriers[0]!);
    for (let at = 0; at < side.length; at++) {
      const key = keyOf(side, factor!, at);
      // The first position of the leading side with this key.
      const stride = factor!.stride / carriers[0]!.stride;
      coupling.join(leader + key * stride, first + at);
    }
  }
  const [from, to] = [carriers.filter((side) => side.from), carriers.filter((side) => !side.from)];
  return from.flatMap((a) => to.map((b): Carried => [axisOf(a), axisOf(b)]));
}

/** Where nothing can carry a cut: what keeps the first of the axes that stay anyway. */
function whyNone(coupling: Coupling, { sides }: Block): Obstacle | undefined {
  const firsts = sides.map((side) => coupling.firstOf(side)).filter((first) => first >= 0);
  const kept = firsts.find((first) => coupling.isKept(first));
  return kept === undefined ? undefined : coupling.obstacle(coupling.obstacleNumber(kept));
}

const axisOf = ({ value, axis }: Axis): Axis => ({ value, axis });

/** Runs of axes with equal products on both sides. Axes of length 1 belong to none; without elements there is no block. */
function* blocks({ from, to, before, after }: Regrouping): Iterable<Block> {
  const left = sidesWith(from, before);
  const right = sidesWith(to, after);
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) {
    let [a, b] = [left[i]!.length, right[j]!.length];
    const [startLeft, startRight] = [i++, j++];
    while (a !== b) {
      if (a < b) {
        if (i === left.length) return;
        a *= left[i++]!.length;
      } else {
        if (j === right.length) return;
        b *= right[j++]!.length;
      }
    }
    const sides = [...strided(left.slice(startLeft, i), true), ...strided(right.slice(startRight, j), false)];
    yield { sides, factors: factorsOf(sides, a) };
  }
}

const sidesWith = (value: string, dims: readonly number[]) =>
  dims.flatMap((length, axis) => (length === 1 ? [] : [{ value, axis, length }]));

function strided(axes: readonly { value: string; axis: number; length: number }[], from: boolean): Side[] {
  let stride = 1;
  return [...axes]
    .reverse()
    .map((axis) => {
      const side = { ...axis, stride, from };
      stride *= axis.length;
      return side;
    })
    .reverse();
}

/** Outer first; none where the axes of the two sides do not divide each other. */
function factorsOf(sides: readonly Side[], total: number): Factor[] {
  const bounds = [...new Set([...sides.map(({ stride }) => stride), total])].sort((a, b) => a - b);
  const factors: Factor[] = [];
  for (const [at, stride] of bounds.slice(0, -1).entries()) {
    const above = bounds[at + 1]!;
    if (above % stride !== 0) return [];
    factors.unshift({ stride, length: above / stride });
  }
  return factors;
}
