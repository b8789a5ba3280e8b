// Forms that are slow, or fail by an attribute, each found by its operator and measured once; in the order in which they are asked.

import { registry } from "../../base/registry.js";
import { decodedWeight } from "./decoded-weight.js";
import { dynamicConv } from "./dynamic-conv.js";
import { halfArithmetic } from "./half-arithmetic.js";
import { packedCodebook } from "./packed-codebook.js";
import { packedProduct } from "./packed-product.js";
import { packedTable } from "./packed-table.js";
import { signedDynamicConv } from "./signed-dynamic-conv.js";
import type { Trap } from "./trap.js";

export type { Trap } from "./trap.js";

export const traps = registry<Trap>("trap", [
  packedProduct,
  packedCodebook,
  packedTable,
  decodedWeight,
  signedDynamicConv,
  dynamicConv,
  halfArithmetic,
]);
