// The exit codes, and how a command sets one without cutting off what is still being written.

export const ExitCode = { done: 0, failed: 1, usage: 2, gate: 3 } as const;

export function exitWith(code: number): void {
  process.exitCode = code;
}
