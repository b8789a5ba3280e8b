import { Command } from "commander";
import { afterEach, expect, test, vi } from "vitest";
import { hardware } from "../../index.js";
import { inspectCommand } from "./inspect.js";

const example = new URL("../../../examples/keywords/model.onnx", import.meta.url).pathname;

/** What the command prints to stdout. */
async function printed(...args: string[]): Promise<string> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const program = new Command().exitOverride();
  inspectCommand(program);
  await program.parseAsync(["inspect", ...args], { from: "user" });
  return text;
}

afterEach(() => vi.restoreAllMocks());

test("--hardware list needs no model, in text and in JSON", async () => {
  const text = await printed("--hardware", "list");
  for (const name of hardware.names) expect(text).toContain(name);
  expect(JSON.parse(await printed("--hardware", "list", "--json")).map(({ name }: { name: string }) => name)).toEqual(
    hardware.names,
  );
});

test("--hardware takes a list, and may be said again", async () => {
  const text = await printed(
    example,
    "--json",
    "--hardware",
    "a100, h100",
    "--hardware",
    "cortex-m7",
    "--hardware",
    "a100",
  );
  const { estimate } = JSON.parse(text);
  expect(estimate.devices.map(({ device }: { device: string }) => device)).toEqual(["a100", "h100", "cortex-m7"]);
});

test("without it there is no estimate; without a model there is a clear answer", async () => {
  expect(JSON.parse(await printed(example, "--json")).estimate).toBeNull();
  await expect(printed("--hardware", "a100")).rejects.toMatchObject({ code: "usage-model" });
  await expect(printed(example, "--hardware", "a10")).rejects.toMatchObject({ code: "hardware-unknown" });
});
