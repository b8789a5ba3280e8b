// Numbers and names as people read them. Names come from files that anyone may have made: nothing in them acts.

/** Bytes in decimal units, as file managers and download pages show them. */
export const bytes = (value: number): string => scaled(value, 1000, ["B", "kB", "MB", "GB", "TB"], " ");

/** Counts: 1.24 M, 350 k, 12.3 G. */
export const count = (value: number): string => scaled(value, 1000, ["", "k", "M", "G", "T"], " ").trimEnd();

function scaled(value: number, step: number, units: readonly string[], gap: string): string {
  let unit = 0;
  let rest = value;
  // 999.6 would round to 1000: the next unit is shorter.
  while (rest >= step - 0.5 && unit < units.length - 1) {
    rest /= step;
    unit++;
  }
  return `${unit === 0 ? rest : significant(rest, 3)}${gap}${units[unit]}`;
}

/** `digits` significant digits, without an exponent for the sizes that occur. */
export function significant(value: number, digits: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  // Rounded first: 0.9997 at three digits is 1.00.
  const before = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits))))) + 1;
  return before < -3 ? value.toExponential(digits - 1) : value.toFixed(Math.max(0, digits - before));
}

export const milliseconds = (value: number): string =>
  value >= 1000 ? `${significant(value / 1000, 3)} s` : `${significant(value, 3)} ms`;

export const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;

/** Top-1 agreement with the number of samples that it is of. */
export const agreement = (share: number, samples: number | undefined): string =>
  samples === undefined ? percent(share) : `${percent(share)} (n ${samples})`;

/** A change in percent with its sign; "=" when it rounds to none. */
export function change(value: number, reference: number): string | undefined {
  if (reference === 0) return undefined;
  const share = value / reference - 1;
  const digits = Math.abs(share) < 0.1 ? 1 : 0;
  const text = Math.abs(share * 100).toFixed(digits);
  if (Number(text) === 0) return "=";
  return `${share < 0 ? "−" : "+"}${text} %`;
}

/** Cosines near one differ in their nines: 0.99998, 0.9999997. */
export function cosine(value: number): string {
  const distance = 1 - value;
  if (distance <= 0) return "1";
  return value.toFixed(Math.min(9, Math.max(3, Math.ceil(-Math.log10(distance)) + 1)));
}

export const signed = (value: number, digits: number): string =>
  `${value < 0 ? "−" : value > 0 ? "+" : "±"}${Math.abs(value).toFixed(digits)}`;

/**
 * A name made harmless for a line of text: control characters, line breaks and the marks that reorder or hide text are
 * shown as escapes; what is longer than `limit` loses its middle, so that both ends can be told.
 */
export function plain(text: string, limit = 120): string {
  const visible = text.replace(UNSAFE, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`);
  const characters = [...visible];
  if (characters.length <= limit) return visible;
  const head = Math.ceil((limit - 1) / 2);
  return `${characters.slice(0, head).join("")}…${characters.slice(characters.length - (limit - 1 - head)).join("")}`;
}

/** Controls (C0, DEL, C1), separators, zero-width marks, bidirectional marks, the byte order mark, lone surrogates. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The last part of a path, for charts and headings. */
export const baseName = (path: string): string => path.split(/[\\/]/).pop() || path;
