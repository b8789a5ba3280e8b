// The scopes of pruning: how the goal is shared among layers.

import { registry } from "../../base/registry.js";
import { erk } from "./erk.js";
import { globalScope } from "./global.js";
import { lamp } from "./lamp.js";
import type { Scope } from "./scope.js";
import { sensitivity } from "./sensitivity.js";
import { uniform } from "./uniform.js";

export const scopes = registry<Scope>("scope of pruning", [uniform, globalScope, lamp, erk, sensitivity]);
