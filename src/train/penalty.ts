// What is added to the loss for the weights themselves, so that training makes them small in a stated way. Training knows no
// method of it.

import type { Emitter } from "./emitter.js";

export interface PenaltySite {
  readonly emit: Emitter;
  /** The value of a weight that is trained, by prepared name; undefined for all others. */
  weight(name: string): string | undefined;
  /** A float32 scalar that is fed at every step: from 0 before the first update to 1 at the last. */
  progress(): string;
}

export interface Penalty {
  /** Kebab-case, for messages. */
  readonly name: string;
  /** Gives a float32 scalar that is added to the loss; differentiated, so what it writes needs gradient rules. */
  write(site: PenaltySite): string;
}
