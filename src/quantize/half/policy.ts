// What the conversion to float16 asks about nodes and names as it goes.

import type { Node } from "../../ir/model.js";
import type { Tensor } from "../../tensor/tensor.js";

export interface HalfPolicy {
  /** Why a node stays in float32, or undefined. `names` are the float32 values that it takes and gives. */
  obstacle(node: Node, names: readonly string[]): string | undefined;
  readonly io: "float32" | "float16";
  /** Inputs and outputs that are float16 whatever `io` says. */
  float16Io(name: string): boolean;
  /** Whether a weight of nodes that stay in float32 is to be stored in float16 nevertheless. */
  stores(name: string): boolean;
  /** A weight as float16. */
  half(name: string, tensor: Tensor): Tensor;
  fresh(prefix: string): string;
  /** Called for each node that stays and has float32 values. */
  kept(node: Node, reason: string): void;
}
