// What a device can do at its best, as its maker or others state it: arithmetic, memory, power, price. Never measured here.

import type { Method } from "../base/registry.js";
import type { Process } from "./energies.js";
import type { FormName } from "./forms.js";

/**
 * Where a figure comes from. "published": in the maker's specification; "claimed": by the maker in public, or reported by
 * others, without a specification; "derived": clock times what one cycle does; "assumed": by us, for want of a source.
 */
export type Basis = "published" | "claimed" | "derived" | "assumed";

export interface Figure {
  readonly value: number;
  readonly basis: Basis;
  /** How it was derived, or why it was assumed. */
  readonly note?: string | undefined;
}

export interface Rate extends Figure {
  /** What computes: "tensor cores", "GPU", "Hexagon NPU". */
  readonly unit: string;
}

export interface Memory {
  /** "HBM2e", "flash". */
  readonly kind: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** Peak, in bytes per second. */
  readonly bandwidth: Figure;
  /** Joules per byte moved. */
  readonly energy: Figure;
}

export interface Device extends Method {
  /** The specification that most figures are from. */
  readonly reference: string;
  /** Further sources. */
  readonly sources: readonly string[];
  /**
   * Peak dense rates in operations per second, a multiply-accumulate counted as two. A form that is missing has no unit
   * of its own: `arithmeticOf` says what computes instead. float32 is always there.
   */
  readonly rates: Readonly<Partial<Record<FormName, Rate>>> & { readonly float32: Rate };
  /** Where weights are read from, and where activations are; the same memory on everything but microcontrollers. */
  readonly memory: { readonly weights: Memory; readonly activations: Memory };
  /** Whose table of energies per operation stands for this chip. */
  readonly process: Process;
  /** Power at full load, in watts. */
  readonly watts: Figure;
  /** The lowest rent in one cloud's list, others ask more; undefined where the device is not rented by the hour. */
  readonly price?: {
    readonly usdPerHour: number;
    /** Year and month of the list, and where it stands. */
    readonly date: string;
    readonly source: string;
  };
}

export const defineDevice = (device: Device): Device => Object.freeze(device);

export const published = (value: number, note?: string): Figure => ({ value, basis: "published", note });
export const claimed = (value: number, note?: string): Figure => ({ value, basis: "claimed", note });
export const derived = (value: number, note?: string): Figure => ({ value, basis: "derived", note });
export const assumed = (value: number, note?: string): Figure => ({ value, basis: "assumed", note });
