#!/usr/bin/python3
"""chunk=h5py is the shape that h5py itself chooses."""
import os
import random
import sys

import h5py

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

TYPES = ["i1", "u2", "i4", "f4", "f8", "f2", "V12"]


def shapes():
    fixed = [(2851, 68, 2), (2851, 17), (2851, 6), (1,), (8192,), (12289,), (24577,), (1000003,),
             (1, 300000), (300000, 1), (3, 4, 5, 6, 7), (2,) * 16]
    rng = random.Random(4)
    for i in range(60):
        rank = rng.randint(1, 5)
        yield tuple(int(10 ** rng.uniform(0, 4.5 / rank + 0.5)) for _ in range(rank))
    yield from fixed


def main():
    with tap.scratch() as folder:
        plain, auto, out = (os.path.join(folder, name) for name in ("p.h5", "a.h5", "out.h5"))
        cases = [(f"a{i}", shape, TYPES[i % len(TYPES)]) for i, shape in enumerate(shapes())]
        with h5py.File(plain, "w") as a, h5py.File(auto, "w") as b:
            for name, shape, dtype in cases:
                a.create_dataset(name, shape, dtype)
                b.create_dataset(name, shape, dtype, chunks=True)
        tap.run("convert", plain, "-f", "hdf5-chunked:level=0", "-o", out)
        with h5py.File(auto, "r") as want, h5py.File(out, "r") as got:
            for name, shape, dtype in cases:
                with tap.case(f"{shape} of {dtype}: chunks {want[name].chunks}"):
                    assert got[name].chunks == want[name].chunks, got[name].chunks
                    assert got[name].dtype == want[name].dtype
    tap.done()


if __name__ == "__main__":
    main()
