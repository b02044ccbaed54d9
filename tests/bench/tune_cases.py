"""What `make bench-tune` goes through: files, how each is read, and the grid of settings that is measured
in full for each. The grids know nothing of the program's own space."""
import os
from itertools import product

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
REAL = os.path.join(HERE, "../../../shared/data/hdf5")

# Every shape of a grid comes in each of these, beside arrays in one piece.
CODINGS = ["level=0", "level=1", "level=4", "level=9", "level=1,shuffle=1", "level=4,shuffle=1",
           "level=9,shuffle=1"]


def shapes(*axes):
    return ["x".join(map(str, shape)) for shape in product(*axes)]


def grid_of(case):
    return ["hdf5-contiguous"] + [f"hdf5-chunked:chunk={shape},{coding}"
                                  for shape in case["grid"] for coding in CODINGS]


# --- data --------------------------------------------------------------------------------------------------

def walk(rng, *shape):
    """Values that change slowly along the first axis, rounded as measured ones are."""
    return np.round(np.cumsum(rng.normal(0, 0.1, shape), axis=0), 3).astype(np.float32)


def openface(path, fmtbench):
    fmtbench("gen", "-f", "hdf5-chunked:level=4", "--samples", 4, "-o", path)


def table(path, _):
    with h5py.File(path, "w") as f:
        f.create_dataset("table", data=walk(np.random.default_rng(1), 350000, 12), chunks=True,
                         compression="gzip")


def cube(path, _):
    x, y, z = np.meshgrid(*(np.linspace(0, 9, n) for n in (160, 160, 160)), indexing="ij")
    noise = np.random.default_rng(2).normal(0, 0.01, x.shape)
    data = np.round(np.sin(x) * np.cos(y) + np.sin(z * y / 4) + noise, 3).astype(np.float32)
    with h5py.File(path, "w") as f:
        f.create_dataset("cube", data=data)


def images(path, _):
    rng = np.random.default_rng(3)
    scene = rng.integers(100, 3000, (128, 128))
    stack = scene + np.cumsum(rng.integers(-3, 4, (512, 128, 128)), axis=0)
    with h5py.File(path, "w") as f:
        f.create_dataset("stack", data=stack.astype(np.uint16), chunks=(1, 128, 128), compression="gzip")


def tiny(path, _):
    rng = np.random.default_rng(4)
    with h5py.File(path, "w") as f:
        for i in range(1500):
            for name, width in (("face", 68), ("aus", 17), ("head", 3)):
                f.create_dataset(f"sample_{i:04d}/{name}", data=walk(rng, 20, width), chunks=True,
                                 compression="gzip")


def noise(path, _):
    bits = np.random.default_rng(5).integers(0, 1 << 31, (40000, 100), dtype=np.uint32)
    with h5py.File(path, "w") as f:
        f.create_dataset("noise", data=bits, chunks=True, compression="gzip")


def real(name):
    return os.path.join(REAL, name)


# --- the cases ---------------------------------------------------------------------------------------------

# `data`: a function that makes the file, or the path of one that is there.
CASES = [
    {"name": "face, windows", "data": openface, "array": "*/face", "access": "window:length=100",
     "grid": shapes((10, 25, 50, 100, 200, 400, 1600, 4000), (68, 17, 4), (2,))},
    {"name": "aus, one unit", "data": openface, "array": "*/aus", "access": "index:axis=1",
     "grid": shapes((50, 100, 200, 500, 1000, 2000, 4000), (17, 6, 3, 1))},
    {"name": "table, rows", "data": table, "access": "index:axis=0,n=20",
     "grid": shapes((20, 50, 100, 200, 500, 1000, 5000, 20000), (12, 4, 1))},
    {"name": "table, a column", "data": table, "access": "index:axis=1,n=2",
     "grid": shapes((200, 1000, 5000, 20000, 50000, 150000), (12, 6, 2, 1))},
    {"name": "cube, planes of all three directions", "data": cube,
     "access": "index:axis=0,n=4 + index:axis=1,n=4 + index:axis=2,n=4",
     "grid": shapes((4, 16, 64), (4, 16, 64), (4, 16, 64))},
    {"name": "images, a pixel through time", "data": images, "access": "index:axis=1x2,n=20",
     "grid": shapes((1, 16, 64, 256), (1, 8, 128), (8, 128))},
    {"name": "tiny arrays, samples", "data": tiny, "array": "*/face", "access": "sample:n=100",
     "grid": shapes((1, 2, 4, 5, 10, 15, 20), (8, 17, 34, 68))},
    {"name": "noise, windows", "data": noise, "access": "window:length=500",
     "grid": shapes((20, 50, 100, 250, 500, 1000, 4000), (100, 50, 20, 5))},
    {"name": "anndata, rows", "data": real("scverse__anndata__v0.5.0_adata.h5ad"), "array": "X",
     "access": "index:axis=0",
     "grid": shapes((1, 5, 20, 50, 100, 350), (765, 255, 50, 15))},
    {"name": "scvelo, windows", "data": real("theislab__scvelo__pancreas_50obs.h5ad"), "array": "*/data",
     "access": "window:length=2000",
     "grid": shapes((128, 256, 500, 750, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 8000, 10000, 12000,
                     14000, 16000, 20000, 24000, 28000, 32000, 36000, 40000))},
]
