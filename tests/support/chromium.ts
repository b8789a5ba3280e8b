// Finds a Chromium to test the page with: CHROMIUM_PATH, the system's, Playwright's cache. Run alone it prints the path,
// with exit code 1 when there is none.

import { accessSync, constants, existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const inCache = ["chrome-linux/chrome", "chrome-linux64/chrome", "chrome-headless-shell-linux64/chrome-headless-shell"];

/** Path of an executable Chromium, or undefined. */
export function chromium(): string | undefined {
  const stated = process.env.CHROMIUM_PATH;
  const onPath = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [...(stated ? [stated] : []), ...onPath, ...cached()].find(runnable);
}

function cached(): string[] {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), ".cache", "ms-playwright");
  if (!existsSync(cache)) return [];
  const builds = readdirSync(cache).filter((name) => name.startsWith("chromium"));
  return builds.flatMap((build) => inCache.map((path) => join(cache, build, path)));
}

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const path = chromium();
  if (path) console.log(path);
  process.exitCode = path ? 0 : 1;
}
