// What "#platform" looks like to the type checker: the interface, neither file.
import type { Platform } from "./platform.js";

export declare const platform: Platform;
