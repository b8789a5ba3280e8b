// Which positions along which axes hang together: union-find over every position of every axis of every value, with the
// reason why a class must stay, and what it counts.

import type { Axis, ChannelKind } from "../../ops/channels/rule.js";
import { KINDS } from "../../ops/channels/rule.js";

export interface Obstacle {
  readonly reason: string;
  /** Label of the node that says so. */
  readonly node: string;
}

/** Longer axes are samples, pixels or tokens, never channels: they stay, and cost nothing here. */
const LONGEST = 2 ** 20;

/**
 * Positions of axes of length 1, and of those too long, are in no class: whatever is said of them is ignored, and they
 * are never cut.
 */
export class Coupling {
  readonly #first = new Map<string, readonly number[]>();
  readonly #parent: Int32Array;
  /** Of roots: index into #obstacles, 0 for none. */
  readonly #kept: Int32Array;
  /** Of roots: bits of the kinds they are tagged with. */
  readonly #kinds: Uint8Array;
  readonly #obstacles: Obstacle[] = [{ reason: "", node: "" }];
  readonly #numbers = new Map<string, number>();

  /** `dims`: of every value, in any order. */
  constructor(dims: ReadonlyMap<string, readonly number[]>) {
    let count = 0;
    for (const [value, shape] of dims) {
      const first = shape.map((length) => {
        if (length < 2 || length > LONGEST) return -1;
        count += length;
        return count - length;
      });
      this.#first.set(value, first);
    }
    this.#parent = Int32Array.from({ length: count }, (_, position) => position);
    this.#kept = new Int32Array(count);
    this.#kinds = new Uint8Array(count);
  }

  get positions(): number {
    return this.#parent.length;
  }

  /** Number of the first position of an axis; -1 where it has none. */
  firstOf({ value, axis }: Axis): number {
    return this.#first.get(value)?.[axis] ?? -1;
  }

  rootOf(position: number): number {
    const parent = this.#parent;
    let root = position;
    while (parent[root] !== root) root = parent[root]!;
    for (let at = position; at !== root; ) {
      const next = parent[at]!;
      parent[at] = root;
      at = next;
    }
    return root;
  }

  join(a: number, b: number): void {
    const [one, other] = [this.rootOf(a), this.rootOf(b)];
    if (one === other) return;
    // The smaller number is the root: what comes first in the graph names the class.
    const [root, child] = one < other ? [one, other] : [other, one];
    this.#parent[child] = root;
    if (this.#kept[root] === 0) this.#kept[root] = this.#kept[child]!;
    this.#kinds[root]! |= this.#kinds[child]!;
  }

  keep(position: number, obstacle: Obstacle): void {
    const root = this.rootOf(position);
    if (this.#kept[root] !== 0) return;
    const key = `${obstacle.node}\n${obstacle.reason}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#obstacles.push(obstacle) - 1;
      this.#numbers.set(key, number);
    }
    this.#kept[root] = number;
  }

  isKept(position: number): boolean {
    return this.#kept[this.rootOf(position)] !== 0;
  }

  /** A number for the reason why a position stays (equal for equal reasons), 0 where it may go. */
  obstacleNumber(position: number): number {
    return this.#kept[this.rootOf(position)]!;
  }

  obstacle(number: number): Obstacle | undefined {
    return number === 0 ? undefined : this.#obstacles[number];
  }

  tag(position: number, kind: ChannelKind): void {
    this.#kinds[this.rootOf(position)]! |= 1 << KINDS.indexOf(kind);
  }

  /** The first of its kinds in the order of KINDS. */
  kindOf(position: number): ChannelKind {
    const bits = this.#kinds[this.rootOf(position)]!;
    return KINDS.find((_, at) => (bits & (1 << at)) !== 0) ?? "hidden";
  }

  hasKind(position: number, kind: ChannelKind): boolean {
    return (this.#kinds[this.rootOf(position)]! & (1 << KINDS.indexOf(kind))) !== 0;
  }
}
