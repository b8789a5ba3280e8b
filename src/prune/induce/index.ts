// The regularisers of training before pruning.

import { registry } from "../../base/registry.js";
import { groupLasso } from "./group-lasso.js";
import { growing } from "./growing.js";
import type { Regulariser } from "./regulariser.js";
import { slimming } from "./slimming.js";

export const regularisers = registry<Regulariser>("regulariser", [groupLasso, growing, slimming]);
