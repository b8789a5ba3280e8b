// Tensors whose bytes stand in other files. Their data is usable when `open` has found the files and checked the sizes.
// Reference: onnx docs/ExternalData.md. The checksum key (SHA-1 of a whole file) is not verified: that would read it all;
// basepath is a note of the Python library to itself.

import type { ByteHandle, ByteSource, Folder } from "../base/bytes.js";
import { invalid, PareError, unsupported } from "../base/errors.js";
import { sourceData, type TensorData } from "../tensor/tensor.js";
import { MAX_EXTERNAL_FILES } from "./limits.js";
import type { StringStringEntryProto } from "./schema/onnx_pb.js";

interface Use {
  readonly where: string;
  readonly end: number;
}

export class ExternalFiles {
  private readonly files = new Map<string, { readonly source: LateSource; readonly uses: Use[] }>();

  /** The data of tensor `where`, `byteLength` bytes by its type and dimensions. Read it only after `open`. */
  data(entries: readonly StringStringEntryProto[], byteLength: number, where: string): TensorData {
    const keys = new Map(entries.map((entry) => [entry.key, entry.value]));
    const location = keys.get("location");
    if (location === undefined || location === "") {
      throw invalid("external-location", `Tensor "${where}" has external data without a location.`, { node: where });
    }
    const offset = number(keys.get("offset") ?? "0", "offset", where);
    const length = number(keys.get("length") ?? String(byteLength), "length", where);
    if (length !== byteLength) {
      throw invalid("tensor-size", `The external data of tensor "${where}" does not fit its type and dimensions.`, {
        node: where,
        expected: `${byteLength} bytes`,
        found: `${length} bytes`,
      });
    }
    let file = this.files.get(location);
    if (file === undefined) {
      if (this.files.size >= MAX_EXTERNAL_FILES) {
        throw unsupported("external-files", `The model has more than ${MAX_EXTERNAL_FILES} external data files.`);
      }
      file = { source: new LateSource(location), uses: [] };
      this.files.set(location, file);
    }
    file.uses.push({ where, end: offset + length });
    return sourceData(file.source, offset, length);
  }

  /** Opens every file and checks that it is long enough. The sources, in the order of first use. */
  async open(folder: Folder | undefined, model: string): Promise<readonly ByteSource[]> {
    const opened: ByteSource[] = [];
    try {
      for (const [location, { source, uses }] of this.files) {
        if (folder === undefined) {
          throw invalid(
            "external-missing",
            `${model} keeps weights in "${location}", which cannot be reached from it.`,
            {
              node: uses[0]?.where,
              hint: "Load the model by its path or URL, so that the files beside it can be opened.",
            },
          );
        }
        const found = await folder.open(location).catch((error: unknown) => {
          throw explained(error, location, model, uses[0]!.where);
        });
        opened.push(found);
        const short = uses.find((use) => use.end > found.size);
        if (short) {
          throw invalid("external-too-short", `${found.name} is too short for tensor "${short.where}".`, {
            node: short.where,
            expected: `at least ${short.end} bytes`,
            found: `${found.size} bytes`,
            hint: "It may be a file of another model, or an incomplete download.",
          });
        }
        source.found = found;
      }
    } catch (error) {
      for (const source of opened) await source.close?.();
      throw error;
    }
    return opened;
  }
}

/** A source that tensors refer to before its file is opened. */
class LateSource implements ByteSource {
  found: ByteSource | undefined;
  constructor(private readonly location: string) {}

  get name(): string {
    return this.found?.name ?? this.location;
  }
  get size(): number {
    return this.found?.size ?? 0;
  }
  get handle(): ByteHandle | undefined {
    return this.found?.handle;
  }
  read(offset: number, length: number): Promise<Uint8Array> {
    if (this.found === undefined) throw invalid("external-missing", `"${this.location}" is not open.`);
    return this.found.read(offset, length);
  }
  async close(): Promise<void> {
    await this.found?.close?.();
  }
}

/** The source itself, for those who know its class. */
export const openedSource = (source: ByteSource): ByteSource =>
  source instanceof LateSource && source.found ? source.found : source;

function number(text: string, key: string, where: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw invalid("external-entry", `The external data of tensor "${where}" has an impossible ${key}.`, {
    node: where,
    expected: "a whole number of bytes",
    found: text.slice(0, 40),
  });
}

function explained(error: unknown, location: string, model: string, where: string): unknown {
  if (!(error instanceof PareError) || error.code !== "file-missing") return error;
  return invalid("external-missing", `${model} keeps weights in "${location}", which is not there.`, {
    node: where,
    hint: "Put the data file beside the model, under the name that the model gives it.",
    cause: error,
  });
}
