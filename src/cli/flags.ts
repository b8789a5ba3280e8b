// Flags from option schemas: a method's zod object is its flags, its help and its checks; nothing is written twice.

import { InvalidArgumentError, Option } from "commander";
import { z } from "zod";

interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly items?: { readonly type?: string };
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Property[];
}

/** One commander option per property of the schema, in its order. Kebab-case flags, camelCase values. */
export function flagsOf(schema: z.ZodObject): Option[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as {
    properties?: Record<string, Property>;
  };
  return Object.entries(json.properties ?? {}).flatMap(([name, property]) => flag(name, property));
}

function flag(name: string, property: Property): Option[] {
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const help = describe(property);
  if (property.type === "boolean") {
    // Commander gives `undefined` when neither form was said, so that the schema's own default holds.
    return [new Option(`--${kebab}`, help), new Option(`--no-${kebab}`).hideHelp(property.default !== true)];
  }
  if (property.enum) return [new Option(`--${kebab} <${name}>`, help).choices([...property.enum])];
  if (property.type === "number" || property.type === "integer") {
    return [new Option(`--${kebab} <number>`, help).argParser(parseNumber)];
  }
  if (property.type === "array" && property.items?.type === "object") {
    return [new Option(`--${kebab} <json...>`, help).argParser(parseObjects)];
  }
  if (property.type === "array") return [new Option(`--${kebab} <list...>`, help)];
  if (property.type === "string") return [new Option(`--${kebab} <${name}>`, help)];
  if (property.anyOf?.some(({ type }) => type === "boolean")) {
    return [new Option(`--${kebab} [json]`, help).argParser(parseJson)];
  }
  // Anything else (objects, unions) is given as JSON.
  return [new Option(`--${kebab} <json>`, help).argParser(parseJson)];
}

function describe(property: Property): string {
  const text = property.description ?? "";
  if (property.default === undefined || property.default === false) return text;
  const value = Array.isArray(property.default) ? property.default.join(" ") : String(property.default);
  return value === "" ? text : `${text} (default: ${value})`;
}

export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError(`"${text}" is not a number.`);
  return value;
}

/** A whole number that is exact, from `least` on. */
export const parseWhole =
  (least: number) =>
  (text: string): number => {
    const value = parseNumber(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`${text} is not a whole number from ${least} on.`);
  };

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A bare word is a string: unions of words and objects read naturally on the command line.
    return text;
  }
}

/** Objects as JSON, one a word or a list of them; repeatable. */
export function parseObjects(text: string, before: readonly unknown[] = []): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return [...before, ...(Array.isArray(value) ? value : [value])];
  } catch {
    throw new InvalidArgumentError(`${text} is not JSON; write '{ "match": ["first"], "weights": "int8" }'.`);
  }
}

/** `4096`, `512MB`, `2GiB` to bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?)?$/i.exec(text.trim());
  if (!match) throw new InvalidArgumentError(`"${text}" is not a size; write 512MB or 2GiB.`);
  const power = { k: 1, m: 2, g: 3, t: 4 }[(match[2] ?? "").toLowerCase()] ?? 0;
  return Math.round(Number(match[1]) * (match[3] ? 1024 : 1000) ** power);
}

/** `seq=128,batch=1` (repeatable) to sizes of symbolic dimensions. */
export function parseDims(text: string, before: Record<string, number> = {}): Record<string, number> {
  const dims = { ...before };
  for (const part of text.split(",")) {
    const match = /^\s*(.+?)\s*=\s*(\d+)\s*$/.exec(part);
    if (!match?.[1]) throw new InvalidArgumentError(`"${part}" is not name=size, as in seq=128,batch=1.`);
    dims[match[1]] = Number(match[2]);
  }
  return dims;
}

/** `input=1,3,224,224` (repeatable) to shapes of inputs. */
export function parseShape(text: string, before: Record<string, number[]> = {}): Record<string, number[]> {
  const match = /^\s*(.+?)\s*=\s*([\d\s,x]*)$/.exec(text);
  if (!match?.[1]) throw new InvalidArgumentError(`"${text}" is not input=sizes, as in input=1,3,224,224.`);
  const sizes = (match[2] ?? "").split(/[,x]/).filter((size) => size.trim() !== "");
  return { ...before, [match[1]]: sizes.map(Number) };
}
