// What every scheme does first: weights stand where they can be seen (`weights/prepare`); the opset is raised where a form
// needs it.

import type { Note } from "../base/note.js";
import type { Model } from "../ir/model.js";
import { upgradeOpset } from "../passes/upgrade-opset.js";

export { prepare } from "../weights/prepare.js";

/** At least opset `to`. Throws what `upgradeOpset` throws for operators it cannot raise. */
export function raiseOpset(model: Model, to: number): { readonly model: Model; readonly notes: readonly Note[] } {
  return (model.opsets.get("") ?? 1) >= to ? { model, notes: [] } : upgradeOpset(model, to);
}
