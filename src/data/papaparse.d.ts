// The one function of papaparse that is used. Its own types bring Node's into the core, where they must not be.

declare module "papaparse" {
  interface Options {
    readonly delimiter?: string;
    readonly skipEmptyLines?: boolean;
    readonly quoteChar?: string;
  }
  const papaparse: { parse(text: string, options?: Options): { readonly data: readonly (readonly string[])[] } };
  export default papaparse;
}
