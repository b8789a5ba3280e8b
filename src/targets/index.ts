// The targets, by name.

import { registry } from "../base/registry.js";
import { any } from "./any.js";
import { node } from "./node.js";
import { nodeGpu } from "./node-gpu.js";
import type { Target } from "./target.js";
import { wasm } from "./wasm.js";
import { webgpu } from "./webgpu.js";

export type { Target } from "./target.js";

export const targets = registry<Target>("target", [any, node, nodeGpu, wasm, webgpu]);
