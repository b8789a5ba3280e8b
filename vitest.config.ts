// Tests run on the source, with `#platform` as Node's; the few that need the built package say so and look for dist/.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: { alias: { "#platform": here("./src/platform/node.ts") } },
  test: {
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    // Snapshots of terminal text are without colour, also where CI asks for it.
    env: { NO_COLOR: "1" },
    // No test is about time: these only end what hangs, on machines of any speed.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // A shared machine may fail to start a process or a browser once; what fails twice is wrong. Retries are printed.
    retry: process.env.CI === undefined ? 0 : 1,
  },
});
