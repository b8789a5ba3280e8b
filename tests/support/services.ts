// The services a pass or the engine needs, for tests: the runtime of Node, nothing else.

import { failed } from "../../src/base/errors.js";
import type { EngineServices } from "../../src/engine/session.js";
import { runtime } from "../../src/platform/node/runtime.js";

/** Models of tests are small: a temporary folder is never asked for. */
export const services: EngineServices = {
  runtime,
  temporary: async () => {
    throw failed("no-temporary-folder", "Tests with large models make their own services.");
  },
  threads: 1,
};
