// What the stages of `prepare` hand each other: the model as it is so far, and where each of its constants came from.

import type { Note } from "../../base/note.js";
import type { Initializer, Model, Node } from "../../ir/model.js";

/** Where a constant stands in the user's model: an initializer, or what a Constant node holds. Found again by identity. */
export interface Origin {
  /** Its name there; that of a function's constant begins with the function's name. */
  readonly source: string;
  readonly tensor: Initializer;
  /** The Constant node; undefined for an initializer. */
  readonly node?: Node;
}

/** What stood in the user's model for what a stage replaced by an object of its own. */
export interface Originals {
  readonly tensors: Map<Initializer, Initializer>;
  readonly nodes: Map<Node, { readonly node: Node; readonly tensor: Initializer }>;
}

export interface Draft {
  model: Model;
  /** By name in `model`. Constants that pare computed are not in it. */
  readonly origins: Map<string, Origin>;
  readonly originals: Originals;
  readonly notes: Note[];
}

/** Remembers where a constant of the main graph came from; the first that is said of a name stays. */
export function remember(draft: Draft, name: string, source: string, tensor: Initializer, node?: Node): void {
  if (draft.origins.has(name)) return;
  const before = node && (draft.originals.nodes.get(node) ?? { node, tensor });
  draft.origins.set(name, { source, tensor: draft.originals.tensors.get(tensor) ?? tensor, ...before });
}
