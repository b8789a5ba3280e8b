// The functions of papaparse that are used. Its own types bring Node's into the core, where they must not be.

declare module "papaparse" {
  interface Options {
    readonly delimiter?: string;
    readonly skipEmptyLines?: boolean;
    readonly quoteChar?: string;
  }
  const papaparse: {
    parse(text: string, options?: Options): { readonly data: readonly (readonly string[])[] };
    unparse(
      rows: readonly (readonly (string | number | null)[])[],
      options?: { readonly newline?: string; readonly escapeFormulae?: boolean },
    ): string;
  };
  export default papaparse;
}
