// What the file system says, as our errors.

import { failed, invalid, PareError } from "../../base/errors.js";

const REASONS: Readonly<Record<string, readonly [code: string, text: string, hint?: string]>> = {
  ENOENT: ["file-missing", "does not exist"],
  EACCES: ["file-denied", "may not be accessed", "Check the permissions of the file and of its folder."],
  EPERM: ["file-denied", "may not be changed", "Check the permissions, and whether another program has it open."],
  EBUSY: ["file-denied", "is in use by another program"],
  EROFS: ["file-denied", "is on a read-only file system"],
  ENOSPC: ["disk-full", "does not fit: the disk is full", "Free some space, or write to another disk."],
  EDQUOT: ["disk-full", "does not fit: the quota is used up"],
  EFBIG: ["disk-full", "is larger than the file system allows"],
  EISDIR: ["not-a-file", "is a folder"],
  ENOTDIR: ["file-missing", "does not exist: a part of its path is a file"],
  ENAMETOOLONG: ["file-missing", "has too long a name"],
  ELOOP: ["file-missing", "is a link in a circle"],
  EMFILE: ["too-many-files", "could not be opened: too many files are open"],
  EIO: ["disk-broken", "could not be read or written: the disk reports an error"],
};

export function fileError(
  error: unknown,
  path: string,
  action: "open" | "read" | "write" | "rename" | "list",
): PareError {
  if (error instanceof PareError) return error;
  const system = error instanceof Error && "code" in error ? String(error.code) : "";
  const [code, text, hint] = REASONS[system] ?? [
    "file-failed",
    `could not be used (${action}: ${system || String(error)})`,
  ];
  return failed(code, `${path} ${text}.`, { cause: error, hint });
}

export const notAFile = (path: string): PareError =>
  invalid("not-a-file", `${path} is not a file.`, { hint: "Name the .onnx file itself." });
