// All families of generated graphs for pruning.

import { constantChannels } from "./constant-channels.js";
import { movedChannels } from "./moved-channels.js";
import { normedNetworks } from "./normed-networks.js";
import type { Pattern } from "./parts.js";
import { plainNetworks } from "./plain-networks.js";
import { quantizedNetworks } from "./quantized-networks.js";
import { rareNetworks } from "./rare-networks.js";
import { recurrentNetworks } from "./recurrent-networks.js";
import { transformers } from "./transformers.js";

export const patterns: readonly Pattern[] = [
  ...plainNetworks,
  ...movedChannels,
  ...constantChannels,
  ...transformers,
  ...recurrentNetworks,
  ...quantizedNetworks,
  ...rareNetworks,
  ...normedNetworks,
];
