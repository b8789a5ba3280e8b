// Walks the protobuf wire format of a model over a ByteSource and makes its skeleton: the same message without the
// payloads of its tensors, small enough for memory and for protobuf-es. In the skeleton each payload is a private field
// that says where its bytes stand. Checks every length, count and depth before it takes memory for it.

import type { ByteSource } from "../base/bytes.js";
import { invalid, type PareError, unsupported } from "../base/errors.js";
import { LAZY_PAYLOAD, MAX_DEPTH, MAX_ELEMENTS, MAX_MESSAGES, MAX_STRUCTURE } from "./limits.js";
import { writeInlinePart, writeSpanPart } from "./parts.js";
import { type Field, modelTable, PRIVATE_FIELD, type Table } from "./tables.js";
import { Window } from "./window.js";
import { GrowingBytes } from "./writer.js";

/** A message that is being walked. Its length in the skeleton is patched in when its end is reached. */
interface Frame {
  readonly table: Table;
  readonly end: number;
  readonly patch: number;
}

/** What a length-delimited field holds, where it is to be copied as it is. */
interface Content {
  readonly known: Field | undefined;
  readonly length: number;
  /** Offset of the field, for messages. */
  readonly start: number;
}

const HEAD = 15;
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** The skeleton of a model file: a valid ModelProto but for payloads, which are PRIVATE_FIELD parts (`parts.ts`). */
export async function readSkeleton(source: ByteSource): Promise<Uint8Array> {
  return new Walker(source).walk();
}

class Walker {
  private readonly window: Window;
  private readonly out = new GrowingBytes(MAX_STRUCTURE, (found) => this.tooLarge(found));
  private readonly frames: Frame[] = [];
  private at = 0;
  private messages = 0;
  private elements = 0;

  constructor(private readonly source: ByteSource) {
    this.window = new Window(source);
  }

  async walk(): Promise<Uint8Array> {
    const { source, window, frames } = this;
    frames.push({ table: modelTable, end: source.size, patch: -1 });
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      if (this.at >= frame.end) {
        frames.pop();
        if (frame.patch >= 0) this.out.patchLength(frame.patch);
        continue;
      }
      // A tag takes at most 5 bytes and a number or length at most 10: one check serves the whole head of a field. There
      // are millions of fields, so nothing is awaited but the window.
      if (!window.holds(this.at, Math.min(HEAD, source.size - this.at))) await window.move(this.at, HEAD);
      const content = this.field(frame);
      if (content !== undefined) await this.copyLong(content, frame);
    }
    return this.out.done();
  }

  /** Walks one field; gives back what it holds when that is not in the window and is still to be copied. */
  private field(frame: Frame): Content | undefined {
    const start = this.at;
    const tag = this.varint(frame, 5);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number === 0 || tag > 0xffffffff) throw this.broken("has an impossible field number", start, frame);
    if (number >= PRIVATE_FIELD && number < PRIVATE_FIELD + 1000) {
      throw this.broken(`uses field ${number}, which protobuf reserves`, start, frame);
    }
    this.count(1);
    const known = frame.table.fields[number];
    if (known !== undefined && !fits(known, wire)) {
      throw this.broken(`holds field ${number} in wire type ${wire}`, start, frame);
    }
    if (wire === DELIMITED) return this.delimited(frame, known, tag, start);
    if (wire === VARINT) this.varint(frame, 10);
    else if (wire === FIXED32) this.at += 4;
    else if (wire === FIXED64) this.at += 8;
    else if (wire === 3 || wire === 4) {
      throw unsupported("protobuf-group", `${this.source.name} holds a protobuf group, which no ONNX version uses.`);
    } else throw this.broken(`has wire type ${wire}`, start, frame);
    if (this.at > frame.end) throw this.truncated(start, this.at - start, frame);
    this.out.append(this.window.bytes, start - this.window.base, this.at - this.window.base);
    return undefined;
  }

  private delimited(frame: Frame, known: Field | undefined, tag: number, start: number): Content | undefined {
    const length = this.varint(frame, 10);
    if (length > frame.end - this.at) throw this.truncated(start, length, frame);
    if (known?.kind === "message") {
      if (this.frames.length >= MAX_DEPTH) {
        throw invalid("nesting-too-deep", `${this.source.name} nests messages deeper than ${MAX_DEPTH} levels.`, {
          hint: "No ONNX runtime reads such a file.",
        });
      }
      if (++this.messages > MAX_MESSAGES) throw this.tooMany("messages", MAX_MESSAGES);
      this.out.varint(frame.table.apart.has((tag - DELIMITED) / 8) ? tag + 8 * PRIVATE_FIELD : tag);
      this.frames.push({ table: known.table, end: this.at + length, patch: this.out.reserveLength() });
      return undefined;
    }
    if (known?.kind === "payload") {
      if (length >= LAZY_PAYLOAD) {
        writeSpanPart(this.out, (tag - DELIMITED) / 8, this.at, length);
        this.at += length;
        return undefined;
      }
      writeInlinePart(this.out, (tag - DELIMITED) / 8, length);
      return this.copy({ known, length, start }, frame);
    }
    if (known?.kind === "number") this.count(known.width === 0 ? length : length / known.width);
    this.out.varint(tag);
    this.out.varint(length);
    return this.copy({ known, length, start }, frame);
  }

  /** Copies what a field holds to the skeleton, or gives it back when the window does not hold it. */
  private copy(content: Content, frame: Frame): Content | undefined {
    if (!this.window.holds(this.at, content.length)) return content;
    const from = this.at - this.window.base;
    const to = from + content.length;
    this.out.append(this.window.bytes, from, to);
    this.at += content.length;
    this.checkContent(content, this.window.bytes, from, to, frame);
    return undefined;
  }

  private async copyLong(content: Content, frame: Frame): Promise<void> {
    this.out.mayGrow(content.length);
    const end = this.at + content.length;
    const begin = this.out.length;
    while (this.at < end) {
      if (!this.window.holds(this.at, 1)) await this.window.move(this.at, 1);
      const from = this.at - this.window.base;
      const to = Math.min(end - this.window.base, this.window.bytes.length);
      this.out.append(this.window.bytes, from, to);
      this.at += to - from;
    }
    const copied = this.out.view(begin);
    this.checkContent(content, copied, 0, copied.length, frame);
  }

  /** What protobuf-es would misread or change in silence: packed numbers cut in the middle, strings that are not UTF-8. */
  private checkContent(content: Content, bytes: Uint8Array, from: number, to: number, frame: Frame): void {
    const { known, start } = content;
    if (known?.kind === "string") {
      if (!isUtf8(bytes, from, to)) throw this.broken("holds a string that is not UTF-8", start, frame);
    } else if (known?.kind === "number" && to > from) {
      const whole = known.width === 0 ? bytes[to - 1]! < 0x80 : (to - from) % known.width === 0;
      if (!whole) throw this.broken("holds packed numbers that end in the middle of one", start, frame);
    }
  }

  /** Reads a varint at `at`, of at most `most` bytes; the window holds it. Exact below 2^53, larger above. */
  private varint(frame: Frame, most: number): number {
    const { bytes, base } = this.window;
    let value = 0;
    let unit = 1;
    for (let i = 0; i < most; i++) {
      if (this.at >= frame.end) throw this.truncated(this.at - i, i + 1, frame);
      const byte = bytes[this.at++ - base]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 128;
    }
    throw this.broken(`has a number of more than ${most} bytes`, this.at - most, frame);
  }

  private count(elements: number): void {
    this.elements += elements;
    if (this.elements > MAX_ELEMENTS) throw this.tooMany("fields and list elements", MAX_ELEMENTS);
  }

  private truncated(start: number, length: number, frame: Frame): PareError {
    // The whole file is the outermost message: only that one can be cut off.
    const where = `${frame.table.name} at byte ${start}`;
    if (frame.patch >= 0) {
      return invalid("length-past-end", `${this.source.name}: a field of ${where} is longer than what holds it.`, {
        expected: `at most ${frame.end - start} bytes`,
        found: `${length} bytes`,
      });
    }
    return invalid("file-truncated", `${this.source.name} ends too early: a field of ${where} is cut off.`, {
      expected: `${length} bytes`,
      found: `${this.source.size - start} bytes`,
      hint: "Copy or download the file again.",
    });
  }

  private broken(what: string, at: number, frame: Frame): PareError {
    return invalid("protobuf-broken", `${this.source.name}: ${frame.table.name} at byte ${at} ${what}.`);
  }

  private tooMany(what: string, most: number): PareError {
    return unsupported("structure-too-large", `${this.source.name} holds more than ${most} ${what}.`);
  }

  private tooLarge(found: number): PareError {
    return unsupported("structure-too-large", `${this.source.name} is too large even without its weights.`, {
      expected: `at most ${MAX_STRUCTURE} bytes of graph structure`,
      found: `${found} bytes or more`,
    });
  }
}

function fits(field: Field, wire: number): boolean {
  if (wire === DELIMITED) return field.kind !== "number" || field.repeated;
  if (field.kind === "number") return field.wire === wire;
  // A packed field may also be written element by element; `decode` checks that the type suits.
  return field.kind === "payload" && (wire === VARINT || wire === FIXED32 || wire === FIXED64);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function isUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    if (bytes[i]! < 0x80) continue;
    try {
      utf8.decode(bytes.subarray(from, to));
      return true;
    } catch {
      return false;
    }
  }
  return true;
}
