// What is added to the loss for the weights themselves, so that training makes them small in a stated way. Training knows no
// method of it.

import type { WriteSite } from "./rewrite.js";

export interface Penalty {
  /** Kebab-case, for messages. */
  readonly name: string;
  /** Gives a float32 scalar that is added to the loss; differentiated, so what it writes needs gradient rules. */
  write(site: WriteSite): string;
}
