// Audio at another rate: a windowed sinc, evaluated where each output sample falls.

/** Zero crossings of the sinc on each side: the stop band falls 80 dB and more. */
const CROSSINGS = 32;
/** Of the lower Nyquist rate; the rest is the transition band. */
const PASS_BAND = 0.94;

/**
 * Samples at `to` a second from samples at `from` a second; both positive. Band-limited interpolation with a
 * Hann-windowed sinc of 32 zero crossings, cut off at 0.94 of the lower of the two Nyquist rates; edges are silence.
 * Source: J. O. Smith, "Digital Audio Resampling", https://ccrma.stanford.edu/~jos/resample/
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const cutoff = Math.min(1, to / from) * PASS_BAND;
  const reach = CROSSINGS / cutoff;
  const out = new Float32Array(Math.round((samples.length * to) / from));
  for (let i = 0; i < out.length; i++) {
    const at = (i * from) / to;
    const begin = Math.max(Math.ceil(at - reach), 0);
    const end = Math.min(Math.floor(at + reach), samples.length - 1);
    let sum = 0;
    for (let j = begin; j <= end; j++) {
      const x = at - j;
      const angle = Math.PI * x * cutoff;
      const sinc = x === 0 ? 1 : Math.sin(angle) / angle;
      sum += samples[j]! * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / reach));
    }
    out[i] = sum * cutoff;
  }
  return out;
}
