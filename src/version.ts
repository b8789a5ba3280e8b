// The version of pare, from package.json: stands in reports and in the producer of nothing (the producer stays the model's).

import pack from "../package.json" with { type: "json" };

export const version: string = pack.version;
