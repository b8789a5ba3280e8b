// More precision for the layers that need it most, until the limit holds: below 8 bits first 8, then float.

import { fewest } from "./fewest.js";
import type { Loss } from "./loss.js";
import type { Move } from "./moves.js";
import { adjusted, eightBits, type Given, type Steps } from "./recipes.js";

/** What is known of a candidate here: how it was made, and whether it holds on the data that chooses. */
export interface GivenBack {
  readonly steps: Steps;
  readonly given: readonly Given[];
  readonly holds: boolean;
  /** On the data that chooses; Infinity where it was not measured. */
  readonly drop: number;
}

export interface GiveBack<C extends GivenBack> {
  /** In the order in which layers are given back. */
  readonly moves: readonly Move[];
  /** Makes and judges it. */
  attempt(what: string, steps: Steps, given: readonly Given[]): Promise<C>;
  /** Whether size and time hold. */
  fits(candidate: C): boolean;
  /** On data that has no part in the choice. */
  holdsOut(candidate: C): Promise<{ readonly loss: Loss; readonly holds: boolean }>;
}

/** Times that more is given back because the held-out data did not agree with the data that chose: twice as much each time. */
const SECOND_THOUGHTS = 4;

/**
 * The fewest moves that hold on the data that chooses and on the held-out data; else what lost least on the latter. Never
 * all of them in float: nothing would be compressed.
 */
export async function giveBack<C extends GivenBack>(
  first: C,
  lossThen: Loss,
  { moves, attempt, fits, holdsOut }: GiveBack<C>,
): Promise<{ readonly candidate: C; readonly heldOut: Loss }> {
  let best = { candidate: first, heldOut: lossThen };
  let base = first;
  const eight = eightBits(first.steps);
  for (const to of eight === undefined ? ["float"] : [eight, "float"]) {
    const start = base;
    const ranked = moves.slice(0, to === "float" ? -1 : undefined);
    const of = async (which: readonly number[]): Promise<C> => {
      const given = which.map((at): Given => ({ layers: ranked[at]!.keep, to, bytes: ranked[at]!.bytes }));
      const made = await attempt(named(given, to), adjusted(start.steps, given, to), [...start.given, ...given]);
      return { ...made, holds: made.holds && fits(made) };
    };
    if (ranked.length === 0) continue;
    const gains = ranked.map(({ gain }) => gain);
    // Where it holds on the data that chooses, only the held-out data asks for more.
    const held = { which: [0], attempt: start };
    const { found, best: least } = start.holds ? { found: held, best: held } : await fewest(gains, of);
    let which = found?.which ?? least?.which ?? [];
    let candidate = found && !start.holds ? found.attempt : start.holds ? await of(which) : least!.attempt;
    for (let again = 0; again <= SECOND_THOUGHTS; again++) {
      const { loss, holds } = await holdsOut(candidate);
      if (fits(candidate) && (holds || loss.drop < best.heldOut.drop)) best = { candidate, heldOut: loss };
      if (holds && fits(candidate)) return best;
      const missing = [...gains.keys()].filter((at) => !which.includes(at));
      if (found === undefined || missing.length === 0) break;
      which = [...which, ...missing.slice(0, which.length)];
      candidate = await of(which);
    }
    // All of them at 8 bits: what float layers are chosen from.
    if (to !== "float") base = await of([...gains.keys()]);
  }
  return best;
}

function named(given: readonly Given[], to: string): string {
  const layers = given.flatMap((one) => one.layers);
  return layers.length === 1 ? `${layers[0]} in ${to}` : `${layers.length} layers in ${to}`;
}
