// The structures of pruning: first those that write zeros, then those that cut channels out, then parts of the graph.

import { registry } from "../../base/registry.js";
import { block } from "./block.js";
import { channel } from "./channel.js";
import { column } from "./column.js";
import { filter } from "./filter.js";
import { head } from "./head.js";
import { hidden } from "./hidden.js";
import { layer } from "./layer.js";
import { nOfM } from "./n-m.js";
import { recurrent } from "./recurrent.js";
import { row } from "./row.js";
import type { Structure } from "./structure.js";
import { unstructured } from "./unstructured.js";
import { vocabulary } from "./vocabulary.js";

export const structures = registry<Structure>("structure of pruning", [
  unstructured,
  nOfM,
  block,
  row,
  column,
  channel,
  filter,
  head,
  hidden,
  recurrent,
  layer,
  vocabulary,
]);
