// .wav files to one channel of numbers, by the wavefile library (PCM of all depths, float, A-law, mu-law, IMA ADPCM).

import { invalid } from "../base/errors.js";

/** Samples from -1 to 1, the mean of all channels, and the samples a second. Throws `invalid("data-wav")`. */
export async function decodeWav(bytes: Uint8Array, name: string): Promise<{ samples: Float32Array; rate: number }> {
  // CommonJS in Node and an ES module in bundles: the class stands at one place or the other.
  const library = await import("wavefile");
  const WaveFile = library.WaveFile ?? library.default.WaveFile;
  try {
    const file = new WaveFile();
    file.fromBuffer(bytes);
    file.toBitDepth("32f");
    const { sampleRate } = file.fmt as { sampleRate: number };
    const decoded: unknown = file.getSamples(false, Float32Array);
    const channels = (Array.isArray(decoded) ? decoded : [decoded]) as Float32Array[];
    const [first = new Float32Array()] = channels;
    const samples =
      channels.length === 1
        ? first
        : first.map((_, i) => channels.reduce((sum, c) => sum + c[i]!, 0) / channels.length);
    return { samples, rate: sampleRate };
  } catch (cause) {
    throw invalid("data-wav", `${name} cannot be decoded as WAV: ${(cause as Error).message}.`, { node: name, cause });
  }
}
