// Where found codes wait until the result is pulled: in memory up to a bound, beyond it in a temporary file.

import type { TemporaryFolder } from "../../engine/runtime.js";

/** Bytes of codes kept in memory; what comes after is spilled. */
const IN_MEMORY = 64 * 2 ** 20;

let files = 0;

export class Store {
  #held = 0;

  constructor(
    private readonly temporary: () => Promise<TemporaryFolder>,
    private readonly bound = IN_MEMORY,
  ) {}

  /** A function that gives the bytes back, as often as it is called. */
  async keep(bytes: Uint8Array<ArrayBuffer>): Promise<() => Promise<Uint8Array<ArrayBuffer>>> {
    if (this.#held + bytes.byteLength <= this.bound) {
      this.#held += bytes.byteLength;
      // A copy: what is handed out may be changed.
      return async () => bytes.slice();
    }
    const folder = await this.temporary();
    const name = `fitted-${files++}`;
    const sink = await folder.create(name);
    try {
      await sink.write(bytes);
      await sink.finish();
      await sink.commit();
    } catch (error) {
      await sink.abort();
      throw error;
    }
    return async () => {
      const source = await folder.open(name);
      try {
        return Uint8Array.from(await source.read(0, bytes.byteLength));
      } finally {
        await source.close?.();
      }
    };
  }
}
