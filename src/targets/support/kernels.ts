// Execution providers of ONNX Runtime, and the operators that each has a kernel for: the tables of `tables/`, read late.
// A kernel is found as ONNX Runtime finds it: by the version in which the operator last changed, then by element types.

import type { DType } from "../../tensor/dtype.js";
import { cpu } from "./tables/cpu.js";
import { cuda } from "./tables/cuda.js";
import { dml } from "./tables/dml.js";
import { schemas } from "./tables/schemas.js";
import { webgpu } from "./tables/webgpu.js";
import { webgpuWasm } from "./tables/webgpu-wasm.js";

/**
 * An execution provider, in one build of it: "wasm" is the CPU provider of onnxruntime-web, "webgpu-wasm" that of its
 * WebGPU build, which knows fewer element types.
 */
export type ProviderName = "cpu" | "wasm" | "webgpu" | "webgpu-wasm" | "cuda" | "dml";

/** What people call it. */
export const PROVIDERS: Readonly<Record<ProviderName, string>> = {
  cpu: "the CPU",
  wasm: "WebAssembly",
  webgpu: "WebGPU",
  "webgpu-wasm": "WebAssembly",
  cuda: "CUDA",
  dml: "DirectML",
};

/** An operator as one version of its domain defines it. */
export interface Schema {
  /** The version of the domain in which it last changed. */
  readonly since: number;
  /** Names of the types of its inputs and outputs, in order; equal names are equal types. Repeated: the last one. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whether the last input or output may come several times, each of a type of its own. */
  readonly mixed: boolean;
}

/** What a provider has of an operator at one version. */
export interface Kernels {
  /** Sets of types that go together: name of the type to element types. Empty: any. */
  readonly accepts: readonly ReadonlyMap<string, ReadonlySet<DType>>[];
  /** No kernel of its own: the runtime writes it as other operators. */
  readonly expanded: boolean;
}

/** One letter an element type, in the tables. */
export const LETTERS: Readonly<Record<string, DType>> = {
  f: "float32",
  h: "float16",
  d: "float64",
  v: "bfloat16",
  b: "bool",
  c: "int8",
  C: "uint8",
  s: "int16",
  S: "uint16",
  i: "int32",
  I: "uint32",
  l: "int64",
  L: "uint64",
  t: "string",
  x: "int4",
  X: "uint4",
  y: "int2",
  Y: "uint2",
  1: "float8e4m3fn",
  2: "float8e4m3fnuz",
  3: "float8e5m2",
  4: "float8e5m2fnuz",
  5: "float4e2m1",
  8: "float8e8m0",
  z: "complex64",
  Z: "complex128",
};

/** Domains that the tables know, as the operators of ONNX Runtime itself. */
export const KNOWN_DOMAINS: readonly string[] = ["", "ai.onnx.ml", "com.microsoft"];

/** Every kernel of the CPU provider answers in WebAssembly too: tools/support/generate.ts compares them. */
const wasm = { source: "onnxruntime-web: sessions of one node each, alike those of the CPU", rows: cpu.rows };
const given = { cpu, wasm, webgpu, "webgpu-wasm": webgpuWasm, cuda, dml } as const;

/** Where the table of a provider comes from: what `pare check` says of its own knowledge. */
export const sourceOf = (provider: ProviderName): string => given[provider].source;

/** The operator as version `opset` of its domain defines it; undefined where it has no such operator yet, or no more. */
export function schemaOf(domain: string, opType: string, opset: number): Schema | undefined {
  return (allSchemas().get(key(domain, opType)) ?? []).findLast(({ since }) => since <= opset);
}

/** The version of its domain in which the operator came; undefined: the domain has none of that name. */
export const firstVersion = (domain: string, opType: string): number | undefined =>
  allSchemas().get(key(domain, opType))?.[0]?.since;

/** Undefined where the provider has no kernel at that version, of any type. */
export const kernelsOf = (provider: ProviderName, domain: string, opType: string, since: number): Kernels | undefined =>
  tableOf(provider).get(key(domain, opType))?.get(since);

/** Whether a kernel takes these types, undefined being a type that is not known and may be any. */
export function takes(kernels: Kernels, types: ReadonlyMap<string, DType | undefined>): boolean {
  return kernels.accepts.some((one) =>
    [...types].every(([name, dtype]) => dtype === undefined || (one.get(name)?.has(dtype) ?? true)),
  );
}

const key = (domain: string, opType: string) => (domain === "" ? opType : `${domain}:${opType}`);

let read: ReadonlyMap<string, readonly Schema[]> | undefined;

function allSchemas(): ReadonlyMap<string, readonly Schema[]> {
  read ??= new Map(rows(schemas.rows).map(([name, versions]) => [name, versions.map(schema)]));
  return read;
}

/** "13:T,T>T": since version 13 two inputs and one output of one type. A "*" ends a list that may go on, mixed. */
function schema(text: string): Schema {
  const [since = "", form = ""] = text.split(":");
  const [inputs = "", outputs = ""] = form.replaceAll("*", "").split(">");
  const list = (part: string) => (part === "" ? [] : part.split(","));
  return { since: Number(since), inputs: list(inputs), outputs: list(outputs), mixed: form.includes("*") };
}

const tables = new Map<ProviderName, ReadonlyMap<string, ReadonlyMap<number, Kernels>>>();

function tableOf(provider: ProviderName) {
  const known = tables.get(provider);
  if (known) return known;
  const text = given[provider].rows;
  const made = new Map(rows(text).map(([name, versions]) => [name, new Map(versions.map(kernels))]));
  tables.set(provider, made);
  return made;
}

/** "13:T=fd;T1=l/T=h": since version 13, either float32 or float64 with int64, or float16. "~": written as others. */
function kernels(text: string): [number, Kernels] {
  const at = text.indexOf(":");
  const form = text.slice(at + 1);
  const sets = form.replace("~", "").split("/");
  const accepts = sets.map((set) => {
    const named = set === "" ? [] : set.split(";").map((one) => one.split("="));
    return new Map(named.map(([name = "", letters = ""]) => [name, new Set([...letters].map((l) => LETTERS[l]!))]));
  });
  return [Number(text.slice(0, at)), { accepts, expanded: form.startsWith("~") }];
}

/** Lines of an operator and its versions, oldest first. A version written "14" alone is like the one before it. */
function rows(text: string): [string, string[]][] {
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", ...versions] = line.split(" ");
      let last = "";
      const full = versions.map((version) => {
        const at = version.indexOf(":");
        if (at >= 0) last = version.slice(at);
        return at >= 0 ? version : version + last;
      });
      return [name, full];
    });
}
