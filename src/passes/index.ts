// The visible list of passes: each keeps what the model computes.

import { registry } from "../base/registry.js";
import { constantWeights } from "./constant-weights.js";
import { foldBatchNorm } from "./fold-batch-norm.js";
import { foldConstants } from "./fold-constants.js";
import type { Pass } from "./pass.js";
import { removeDeadNodes } from "./remove-dead-nodes.js";
import { removeIdentities } from "./remove-identities.js";
import { shareEqualWeights } from "./share-equal-weights.js";

/** In the order in which `clean` applies them. */
export const passes = registry<Pass>("pass", [
  constantWeights,
  removeIdentities,
  foldConstants,
  foldBatchNorm,
  removeDeadNodes,
  shareEqualWeights,
]);
