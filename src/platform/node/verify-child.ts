// A process of its own that verifies one model file against another, so that the memory of the runtime is given back
// whole and the parent survives when it does not suffice. An entry of the build: dist/node/verify-child.js.

import { PareError } from "../../base/errors.js";
import type { Verification } from "../../engine/compare.js";
import { type VerifyRequest, verifyFiles } from "../../engine/verify-files.js";
import { open, temporary } from "./files.js";
import { runtime } from "./runtime.js";

export type VerifyReply = { readonly verification: Verification } | { readonly error: VerifyError };

/** A PareError as plain data. */
export interface VerifyError {
  readonly message: string;
  readonly code: string;
  readonly kind: PareError["kind"];
  readonly node?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  readonly hint?: string | undefined;
}

process.once("message", (request: VerifyRequest) => {
  answer(request).then((reply) => process.send?.(reply));
});

async function answer(request: VerifyRequest): Promise<VerifyReply> {
  let folder: ReturnType<typeof temporary> | undefined;
  const shared = () => {
    folder ??= temporary();
    return folder;
  };
  try {
    return { verification: await verifyFiles(request, open, { runtime, temporary: shared }) };
  } catch (error) {
    if (!(error instanceof PareError)) {
      return {
        error: { message: error instanceof Error ? error.message : String(error), code: "internal", kind: "internal" },
      };
    }
    const { message, code, kind, node, expected, found, hint } = error;
    return { error: { message, code, kind, node, expected, found, hint } };
  } finally {
    await (await folder)?.dispose();
  }
}
