// Save only what was run: the result is verified against its original before its file takes the final name. A model too
// large for this process has to stand on disk first, and is taken away again when it fails.

import { platform } from "#platform";
import { failed } from "./base/errors.js";
import type { Model } from "./ir/model.js";
import { load } from "./load.js";
import { type Saved, type SaveOptions, save } from "./save.js";
import type { ServiceOptions } from "./services.js";
import { isLarge, type Verification, verify } from "./verify.js";

export interface VerifiedSave {
  readonly saved: Saved;
  readonly verification: Verification;
}

/**
 * Throws `failed("verification-failed")` when the result has NaN or infinite values that the original has not, or the runtime
 * loads the original and refuses the result; nothing is left at `path` then. A runtime that cannot run either model gives `verified: "no"` with the reason, and the file stays.
 */
export async function saveVerified(
  original: Model,
  result: Model,
  path: string,
  options: SaveOptions & ServiceOptions = {},
): Promise<VerifiedSave> {
  const memory = options.memory ?? Math.floor(platform.freeMemory() / 2);
  const real = await platform.realPath(path);
  const overInput = real !== undefined && real === (await platform.realPath(original.origin?.name ?? ""));
  if (!isLarge(original, result, memory) || overInput) {
    const verification = await verify(original, result, { ...options, memory });
    refuseBroken(verification);
    return { saved: await save(result, path, options), verification };
  }
  const saved = await save(result, path, options);
  const verification = await verify(original, await load(path), { ...options, memory });
  try {
    refuseBroken(verification);
  } catch (error) {
    for (const file of saved.files) await platform.remove(file.path);
    throw error;
  }
  return { saved, verification };
}

function refuseBroken({ outputs, refused, reason }: Verification): void {
  if (refused) {
    throw failed("verification-failed", `ONNX Runtime loads the original, and refuses the result: ${reason}`, {
      hint: "This looks like a bug in pare: please report it with the recipe. --no-verify writes the file all the same.",
    });
  }
  const broken = outputs.filter(({ nonFinite }) => nonFinite.mismatched > 0).map(({ name }) => name);
  if (broken.length === 0) return;
  throw failed(
    "verification-failed",
    "The result has NaN or infinite values where the original has none; it was not kept.",
    {
      node: broken.join(", "),
      hint: "Try a less bold form, or keep the layers before that output: --keep <name>.",
    },
  );
}
