"""The generator against real OpenFace features: how well it compresses, how it repeats and moves.

The targets were measured on 58 real files (39,855 frames), after the same scaling and rounding, as
float32. Shares and compressed sizes must come within 15 %, counts and percentiles within a factor
of 1.5; for the default dataset and for other seeds."""
import os
import sys
import zlib

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

FIGURES = ["zlib 4, compressed / raw", "distinct values", "exact zeros", "equal to previous frame",
           "difference p50", "difference p90", "difference p99"]
LIMITS = [1.15, 1.5, 1.15, 1.15, 1.5, 1.5, 1.5]
TARGETS = {
    "face": [0.60, 9995, 0.016, 0.15, 0.0013, 0.0073, 0.0274],
    "aus": [0.26, 498, 0.458, 0.49, 0.002, 0.024, 0.072],
    "head": [0.43, 9966, 0.171, 0.43, 0.0013, 0.034, 0.15],
}


def measure(arrays):
    raw = sum(a.nbytes for a in arrays)
    compressed = sum(len(zlib.compress(a.tobytes(), 4)) for a in arrays)
    values = np.concatenate([a.ravel() for a in arrays])
    steps = np.concatenate([np.abs(np.diff(a.astype(np.float64), axis=0)).ravel() for a in arrays])
    return [compressed / raw, len(np.unique(values)), np.mean(values == 0), np.mean(steps == 0),
            *np.percentile(steps, [50, 90, 99])]


def features(file):
    """{feature: the arrays of every person}"""
    found = {name: [] for name in TARGETS}
    with h5py.File(file, "r") as h5:
        for sample in h5:
            for person in h5[sample] if isinstance(h5[sample], h5py.Group) else ():
                for name in TARGETS:
                    found[name].append(h5[sample][person][name][()])
    return found


for seed in (1, 2, 77):
    with tap.case(f"statistics of real features, seed {seed}"), tap.scratch() as scratch:
        file = os.path.join(scratch, "synth.h5")
        tap.run("gen", "-o", file, "-f", "hdf5-contiguous", "--seed", seed)
        outside = []
        total = 0
        for name, arrays in features(file).items():
            assert len(arrays) == 48 and all(a.dtype == np.float32 for a in arrays)
            total += sum(a.nbytes for a in arrays)
            rows = zip(FIGURES, LIMITS, TARGETS[name], measure(arrays))
            for figure, limit, target, value in rows:
                ratio = value / target
                print(f"# {name:5} {figure:26} {value:9.4g}  target {target:7.4g}"
                      f"  ratio {ratio:.2f}")
                if not 1 / limit <= ratio <= limit:
                    outside.append(f"{name}: {figure}")
        assert not outside, outside
        assert 20e6 < total < 30e6, total

tap.done()
