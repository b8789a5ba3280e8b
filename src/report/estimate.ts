// A hardware estimate, and the table of devices that one can be made for, as text for the terminal.

import pc from "picocolors";
import type { Device, DeviceEstimate, Estimate, Figure, FormEstimate } from "../metrics/inspection.js";
import { bytes, count, percent, plain, significant } from "./format.js";
import { grid } from "./grid.js";

/** Every block says that it is an estimate: nothing of it may be read as a measurement. */
export function printEstimate(found: Estimate): string {
  const { work } = found;
  const about = [
    pc.bold("Estimate, not measured"),
    `Roofline from peak figures, for ${count(work.layers)} layers with ${count(work.macs)} multiply-accumulates a run, ` +
      `${count(work.weights)} weights and ${count(work.activations)} activations read and written.`,
    ...(work.uncounted === 0 ? [] : [pc.yellow(`${work.uncounted} nodes that multiply are not in it.`)]),
    ...found.assumptions.map((text) => pc.dim(`- ${text}`)),
  ];
  return [about.join("\n"), ...found.devices.map(ofDevice)].join("\n\n");
}

function ofDevice(found: DeviceEstimate): string {
  const priced = found.forms.some((form) => form.usdPerMillionRuns !== null);
  const table = grid(
    `${plain(found.summary)}: estimate a run`,
    [
      "type",
      "multiplied by",
      "latency",
      "bound by memory",
      "ops per byte (ridge)",
      "energy",
      ...(priced ? ["USD per 1 M runs"] : []),
      "fits",
    ],
    found.forms.map((form) => [
      form.form,
      `${form.runsAs === form.form ? "" : `${form.runsAs}, `}${form.unit}${form.basis === "published" ? "" : ` (${form.basis})`}`,
      unit(form.seconds, "s"),
      `${form.memoryBoundLayers} layers, ${percent(form.memoryBoundShare, 0)} of time`,
      `${significant(form.intensity, 2)} (${significant(form.ridge, 2)})`,
      `${unit(form.joules, "J")} to ${unit(form.joulesAtFullPower, "J")}`,
      ...(priced ? [significant(form.usdPerMillionRuns ?? 0, 2)] : []),
      fits(form),
    ]),
  );
  const { memory, arithmetic } = found.bounds;
  const layers = [
    ...(memory.length === 0 ? [] : [`memory: ${listed(memory)}`]),
    ...(arithmetic.length === 0 ? [] : [`arithmetic: ${listed(arithmetic)}`]),
  ];
  return `${table}\n${found.advice} Bound by ${layers.join("; by ")}.`;
}

const fits = ({ fits: does }: FormEstimate): string => (does === null ? "?" : does ? "yes" : pc.yellow("no"));

const SHOWN = 3;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => plain(name, 40));
  return names.length > SHOWN ? `${shown.join(", ")} and ${names.length - SHOWN} more` : shown.join(", ");
}

/** The devices with their peak figures; what is not published is marked. */
export function printDevices(devices: readonly Device[]): string {
  const table = grid(
    "Hardware: peak dense rates in operations per second (a multiply-accumulate is two), as stated, not measured",
    ["name", "what it is", ...FORMS, "weights from", "power", "USD/h"],
    devices.map((device) => [
      device.name,
      device.summary,
      ...FORMS.map((form) => {
        const rate = device.rates[form];
        return rate === undefined ? "–" : figure(rate, (value) => count(value));
      }),
      `${device.memory.weights.kind}, ${bytes(device.memory.weights.bytes)}, ${figure(device.memory.weights.bandwidth, bytes)}/s`,
      figure(device.watts, (value) => unit(value, "W")),
      device.price === undefined ? "–" : `${device.price.usdPerHour} (${device.price.date})`,
    ]),
  );
  return `${table}\n${pc.dim(`Not in the maker's specification: * claimed or reported, ~ derived from clock and lanes, ? assumed. –: no units; a wider type is used.`)}`;
}

const FORMS = ["float32", "tf32", "float16", "bfloat16", "int8", "int4"] as const;

const MARKS: Readonly<Record<Figure["basis"], string>> = { published: "", claimed: "*", derived: "~", assumed: "?" };

const figure = ({ value, basis }: Figure, text: (value: number) => string): string =>
  `${text(Math.round(value * 1e3) / 1e3)}${MARKS[basis]}`;

/** Seconds, joules and watts from pico to kilo: 3.4 ms, 210 nJ. Two digits: an estimate has no more. */
function unit(value: number, name: string): string {
  const steps = ["p", "n", "µ", "m", "", "k"];
  if (value === 0) return `0 ${name}`;
  const at = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log10(Number(value.toPrecision(2))) / 3) + 4));
  return `${significant(value / 1000 ** (at - 4), 2)} ${steps[at]}${name}`;
}
