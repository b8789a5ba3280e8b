"""Numbers that Python and TypeScript make alike from a seed: inputs and labels need not be stored (drawn.ts is the twin)."""

import numpy as np


def mixed(count, seed):
    """32 well mixed bits for each of 0 .. count - 1."""
    h = np.arange(count, dtype=np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B1)
    h &= np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    h = (h * np.uint64(0x7FEB352D)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(0x846CA68B)) & np.uint64(0xFFFFFFFF)
    return h ^ (h >> np.uint64(16))


def drawn(dims, seed, low=-1.0, high=1.0):
    """float32 in [low, high)."""
    count = int(np.prod(dims, dtype=np.int64))
    values = low + (high - low) * (mixed(count, seed).astype(np.float64) / 2.0**32)
    return values.astype(np.float32).reshape(dims)


def drawn_below(dims, seed, below, start=0):
    """int64 in [start, below)."""
    count = int(np.prod(dims, dtype=np.int64))
    return (start + mixed(count, seed).astype(np.int64) % (below - start)).reshape(dims)


def value_of(described):
    """An input as a fixture describes it."""
    dims, kind = described["dims"], described["kind"]
    if kind == "uniform":
        return drawn(dims, described["seed"], described["low"], described["high"])
    if kind == "below":
        return drawn_below(dims, described["seed"], described["below"], described["start"])
    if kind == "lengths":
        return (np.arange(dims[1])[None, :] < np.array(described["lengths"])[:, None]).astype(np.int64)
    return np.full(dims, described["value"], np.int64)
