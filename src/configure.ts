// Settings of the platform that a page may need before the first model runs.

import { platform } from "#platform";
import type { RuntimeSettings } from "./platform/platform.js";

/**
 * Where onnxruntime-web finds its .wasm files, when a bundler does not put them beside the script. Call it before the
 * first model runs; in Node it does nothing, since the packages find their own files.
 */
export const configureRuntime = (settings: RuntimeSettings): void => platform.configureRuntime(settings);
