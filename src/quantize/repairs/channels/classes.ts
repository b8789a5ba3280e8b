// Channels that can only be scaled together, as sets that grow while a graph is walked: union-find over numbers.

import { internal } from "../../../base/errors.js";

/** Some sets are fixed: what they reach does not take a scale. */
export class ChannelClasses {
  readonly #parents: number[] = [];
  readonly #reasons = new Map<number, string>();

  /** As many new channels, each free and alone. */
  create(count: number): number[] {
    const first = this.#parents.length;
    for (let i = 0; i < count; i++) this.#parents.push(first + i);
    return Array.from({ length: count }, (_, i) => first + i);
  }

  get size(): number {
    return this.#parents.length;
  }

  /** The channel that stands for the whole set. */
  find(channel: number): number {
    let root = channel;
    while (this.#parents[root] !== root) root = this.#parents[root]!;
    // Paths are made short, so that chains of a thousand layers cost no more than one.
    for (let at = channel; at !== root; ) {
      const next = this.#parents[at]!;
      this.#parents[at] = root;
      at = next;
    }
    return root;
  }

  /** Pairwise; lists of one length. */
  unite(left: readonly number[], right: readonly number[]): void {
    if (left.length !== right.length) throw internal(`${left.length} channels are not ${right.length}`);
    for (const [i, channel] of left.entries()) {
      const [a, b] = [this.find(channel), this.find(right[i]!)];
      if (a === b) continue;
      // The older one stays, so that the result does not depend on how sets were asked for.
      const [root, other] = a < b ? [a, b] : [b, a];
      this.#parents[other] = root;
      const reason = this.#reasons.get(other);
      if (reason !== undefined) this.fix([root], reason);
    }
  }

  /** These take no scale. The first reason counts. */
  fix(channels: readonly number[], reason: string): void {
    for (const channel of channels) {
      const root = this.find(channel);
      if (!this.#reasons.has(root)) this.#reasons.set(root, reason);
    }
  }

  /** Why a channel takes no scale; undefined: it is free. */
  reason(channel: number): string | undefined {
    return this.#reasons.get(this.find(channel));
  }
}
