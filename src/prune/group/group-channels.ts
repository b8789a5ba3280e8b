// Finds the groups of coupled channels of a model: what can be cut out of it, what must be cut together, and what must
// stay and why. Every operator's rule (`ops/channels/`) says how positions along its axes hang together; the rest follows.

import type { EngineServices } from "../../engine/session.js";
import type { Model } from "../../ir/model.js";
import { Coupling } from "./coupling.js";
import { factsOf, type GroupOptions } from "./facts.js";
import { askRules, type Facts } from "./flows.js";
import { formGroups } from "./form-groups.js";
import type { Grouping } from "./group.js";
import { findHeld } from "./held.js";

/** What cutting needs beyond what groups say. */
export interface Coupled extends Grouping {
  readonly facts: Facts;
  readonly coupling: Coupling;
}

/**
 * Observes the model's shapes by one run. Weights are not read. Throws what `observe` throws, where the model does not run.
 * After DepGraph (Fang et al., CVPR 2023), but with every single position as a node of the dependency graph, so that
 * splits, concatenations and reshapes need no special case.
 */
export async function groupChannels(
  given: Model,
  services: EngineServices,
  options: GroupOptions = {},
): Promise<Coupled> {
  const { notes, ...facts } = await factsOf(given, options, services);
  const coupling = new Coupling(facts.dims);
  const passages = askRules(coupling, facts);
  const held = await findHeld(coupling, facts, passages, services);
  return {
    model: facts.model,
    groups: formGroups(coupling, facts),
    dims: facts.dims,
    rest: (value, axis) => held({ value, axis }),
    notes,
    facts,
    coupling,
  };
}
