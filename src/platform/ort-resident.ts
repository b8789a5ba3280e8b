// Resident sessions over ONNX Runtime: two sets of state tensors, one read and one written by a run, swapped on commit.

import type * as Ort from "onnxruntime-web";
import { internal, invalid } from "../base/errors.js";
import type { ResidentSession, ResidentState } from "../engine/resident.js";
import { type SessionOptions, type SessionSource, UNFUSED } from "../engine/runtime.js";
import { byteCount } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";
import { engineError } from "./ort-errors.js";
import { type Binding, checkFeeds, openOrt, port, QUIET } from "./ort-runtime.js";
import { copied, fromTensor, toTensor } from "./ort-tensor.js";

type Tensors = Map<string, Ort.Tensor>;

export async function ortResident(
  binding: Binding,
  source: SessionSource,
  state: readonly ResidentState[],
  initial: Readonly<Record<string, Value>>,
  options: SessionOptions,
): Promise<ResidentSession> {
  const residence = binding.residence(options.provider ?? binding.provider);
  const moving = state.filter(({ output }) => output !== undefined);
  const onDevice = Object.fromEntries(moving.map(({ output }) => [output!, "gpu-buffer"] as const));
  const { session, ort } = await openOrt(
    binding,
    source,
    { ...options, config: { ...UNFUSED, ...options.config } },
    // A plan of memory is made beside the memory of the first run: SqueezeNet's step took 2.1 GB with it and 1.2 without.
    { enableMemPattern: false, ...(residence === "device" ? { preferredOutputLocation: onDevice } : {}) },
  );
  const held = new Set(state.map(({ input }) => input));
  const stateOutputs = new Set(moving.map(({ output }) => output!));
  const outputs = session.outputMetadata.map(port);
  const wanted = outputs.filter(({ name }) => !stateOutputs.has(name)).map(({ name }) => name);
  const fed = session.inputMetadata.map(port).filter(({ name }) => !held.has(name));
  const fedNames = new Set(fed.map(({ name }) => name));
  let current: Tensors;
  /** Where a run writes, when arrays are filled; else what the last run returned. */
  let next: Tensors = new Map();
  let pending = false;
  try {
    checkState(state, session);
    current = new Map(state.map((slot) => [slot.input, tensorOf(slot, initial[slot.input])]));
    if (residence === "filled") for (const { input } of moving) next.set(input, empty(current.get(input)!));
  } catch (error) {
    await session.release();
    throw error;
  }

  function tensorOf(slot: ResidentState, value: Value | undefined): Ort.Tensor {
    if (value === undefined) throw internal(`state "${slot.input}" has no value`);
    if (value.dtype !== slot.dtype || String(value.dims) !== String(slot.dims)) {
      throw invalid("state-shape", `The value given for "${slot.input}" does not fit it.`, {
        node: slot.input,
        expected: `${slot.dtype} [${slot.dims}]`,
        found: `${value.dtype} [${value.dims}]`,
      });
    }
    return toTensor(slot.input, copied(value), ort.Tensor);
  }

  function empty(like: Ort.Tensor): Ort.Tensor {
    const { dtype, dims, data } = fromTensor(like);
    const array = data.constructor as new (buffer: ArrayBuffer) => Float32Array;
    return toTensor("state", { dtype, dims, data: new array(new ArrayBuffer(byteCount(dtype, dims))) }, ort.Tensor);
  }

  /** Buffers of the device are given back by hand. */
  const drop = (tensors: Tensors) => {
    if (residence === "device") for (const tensor of tensors.values()) tensor.dispose();
  };

  const forget = () => {
    pending = false;
    if (residence === "filled") return;
    drop(next);
    next = new Map();
  };

  return {
    async run(feeds: Feeds, results = wanted) {
      checkFeeds(feeds, fed, fedNames);
      forget();
      const inputs: Record<string, Ort.Tensor> = {};
      for (const { name } of fed) inputs[name] = toTensor(name, feeds[name]!, ort.Tensor);
      for (const [name, tensor] of current) inputs[name] = tensor;
      // Null: the runtime makes the output.
      const fetches: Record<string, Ort.Tensor | null> = {};
      for (const name of results) fetches[name] = null;
      for (const { input, output } of moving) fetches[output!] = residence === "filled" ? next.get(input)! : null;
      try {
        const found = await session.run(inputs, fetches, { logSeverityLevel: QUIET });
        if (residence !== "filled") next = new Map(moving.map(({ input, output }) => [input, found[output!]!]));
        pending = true;
        return Object.fromEntries(results.map((name) => [name, fromTensor(found[name]!)]));
      } catch (error) {
        throw engineError(error, "run");
      }
    },
    commit() {
      if (!pending) throw internal("there is no pending state: run first");
      pending = false;
      const before = current;
      current = new Map([...current, ...next]);
      if (residence === "filled") {
        next = new Map(moving.map(({ input }) => [input, before.get(input)!]));
        return;
      }
      drop(new Map(moving.map(({ input }) => [input, before.get(input)!])));
      next = new Map();
    },
    async read(names = state.map(({ input }) => input)) {
      const values: Record<string, Value> = {};
      for (const name of names) {
        const tensor = current.get(name);
        if (tensor === undefined) throw internal(`"${name}" is no state of the session`);
        await tensor.getData();
        values[name] = copied(fromTensor(tensor));
      }
      return values;
    },
    async write(values) {
      forget();
      for (const [name, value] of Object.entries(values)) {
        const slot = state.find(({ input }) => input === name);
        if (slot === undefined) throw internal(`"${name}" is no state of the session`);
        drop(new Map([[name, current.get(name)!]]));
        current.set(name, tensorOf(slot, value));
      }
    },
    async release() {
      forget();
      drop(current);
      current = new Map();
      await session.release();
    },
  };
}

/** A step graph states what its state is: a difference is a bug of whoever wrote the graph, found before a run fills wrong arrays. */
function checkState(state: readonly ResidentState[], session: Ort.InferenceSession): void {
  const inputs = new Map(session.inputMetadata.map((one) => [one.name, port(one)]));
  const outputs = new Map(session.outputMetadata.map((one) => [one.name, port(one)]));
  for (const { input, output, dtype, dims } of state) {
    for (const [name, found] of [
      [input, inputs.get(input)],
      [output, output === undefined ? undefined : outputs.get(output)],
    ] as const) {
      if (name === undefined) continue;
      const fits = (size: number | string | null, axis: number) => typeof size !== "number" || size === dims[axis];
      const shape = found?.shape;
      if (found?.dtype === dtype && (shape === undefined || (shape.length === dims.length && shape.every(fits))))
        continue;
      throw internal(`the state "${name}" of the graph is not ${dtype} [${dims}]`, {
        node: name,
        found: found === undefined ? "no such value" : `${found.dtype} [${shape}]`,
      });
    }
  }
}
