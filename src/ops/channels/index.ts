// The visible list of what is known of channels: how they pass through each operator.

import { registry } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import { operatorKey } from "../operator.js";
import { binary } from "./binary.js";
import { conv } from "./conv.js";
import { gemm } from "./gemm.js";
import { matmul } from "./matmul.js";
import type { ChannelRule } from "./rule.js";
import { unary } from "./unary.js";

export const channelRules = registry<ChannelRule>("channel rule", [binary, conv, gemm, matmul, unary]);

const byKey = new Map(channelRules.list.flatMap((rule) => rule.operators.map((key) => [key, rule] as const)));

/** Undefined: nothing is known, and all channels of the node stay. */
export const channelRuleOf = (node: Node): ChannelRule | undefined => byKey.get(operatorKey(node));
