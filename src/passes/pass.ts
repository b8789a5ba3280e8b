// What a pass is: a pure rewrite of a whole model that keeps what it computes. And how passes follow each other.

import { PareError } from "../base/errors.js";
import type { Note } from "../base/note.js";
import type { Method } from "../base/registry.js";
import type { EngineServices } from "../engine/session.js";
import type { Model } from "../ir/model.js";

export interface PassResult {
  /** The very model that was given when nothing changed. */
  readonly model: Model;
  readonly changed: boolean;
  readonly notes: readonly Note[];
}

/** A named rewrite. What it needs of a step's context is the engine and the means to stop; a StepContext has both. */
export interface Pass extends Method {
  /** It may read every weight: applied once, when the others find nothing more to do. */
  readonly dear: boolean;
  apply(model: Model, context: EngineServices): Promise<PassResult>;
}

/** A pass whose function gives the rewritten model, or the same one. */
export const definePass = (
  pass: Method & {
    readonly dear?: boolean;
    rewrite(model: Model, context: EngineServices, notes: Note[]): Promise<Model> | Model;
  },
): Pass => ({
  name: pass.name,
  summary: pass.summary,
  dear: pass.dear ?? false,
  ...(pass.reference === undefined ? {} : { reference: pass.reference }),
  async apply(model, context) {
    const notes: Note[] = [];
    const result = await pass.rewrite(model, context, notes);
    return { model: result, changed: result !== model, notes };
  },
});

/** One after the other. An error says which pass failed, and which came before it. */
export async function sequence(passes: readonly Pass[], model: Model, context: EngineServices): Promise<PassResult> {
  const notes: Note[] = [];
  let current = model;
  for (const [i, pass] of passes.entries()) {
    context.signal?.throwIfAborted();
    context.onProgress?.({ task: pass.name, done: i, total: passes.length });
    try {
      const result = await pass.apply(current, context);
      current = result.model;
      notes.push(...result.notes);
    } catch (error) {
      const before = passes.slice(0, i).map((earlier) => earlier.name);
      throw inPass(error, pass.name, before);
    }
  }
  return { model: current, changed: current !== model, notes };
}

/** Rounds of `sequence` until one changes nothing, at most `rounds`: then what the last one gave. Notes are said once. */
export async function untilStable(
  passes: readonly Pass[],
  model: Model,
  context: EngineServices,
  rounds = 10,
): Promise<PassResult> {
  const notes = new Map<string, Note>();
  let current = model;
  for (let round = 0; round < rounds; round++) {
    const result = await sequence(passes, current, context);
    for (const note of result.notes) notes.set(`${note.code}\n${note.node}\n${note.text}`, note);
    current = result.model;
    if (!result.changed) break;
  }
  return { model: current, changed: current !== model, notes: [...notes.values()] };
}

function inPass(error: unknown, name: string, before: readonly string[]): unknown {
  // Cancelling is not a fault of the pass.
  if (error instanceof Error && error.name === "AbortError") return error;
  const where = `pass "${name}"${before.length > 0 ? ` (after ${before.join(", ")})` : ""}`;
  if (!(error instanceof PareError)) {
    const text = error instanceof Error ? error.message : String(error);
    return new PareError(`In ${where}: ${text}`, { code: "internal", kind: "internal", cause: error });
  }
  const { code, kind, node, expected, found, hint } = error;
  return new PareError(`In ${where}: ${error.message}`, { code, kind, node, expected, found, hint, cause: error });
}
