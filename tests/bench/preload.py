"""The guide's own loop through h5py, with libfmtbench-inflate.so and without: with it never slower, and
as much faster as the bound says.

Every sample of a gzip file of h5py's chunks is read, a feature at a time, by fresh Python processes in
pairs of random order; they say what the loop took, from opening the file on. The file is in memory.
What is judged is the one-sided 95 % lower bound of the median of the time without over that with it.
Prints `check<TAB>value<TAB>bound<TAB>pass|fail`."""
import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile

from paired import FMTBENCH, bounds, check, fmtbench, note, say_pair

PRELOAD = os.path.abspath(os.path.join(os.path.dirname(FMTBENCH), "libfmtbench-inflate.so"))
BOUND = 1.2

# As the guide loads samples: by index, person and feature, each whole.
LOOP = """
import hashlib, sys, time, h5py
sums = []
start = time.perf_counter()
with h5py.File(sys.argv[1], "r") as hf:
    for idx in range(hf.attrs["num_samples"]):
        sample = hf[f"sample_{idx:03d}"]
        for person in ("expert", "novice"):
            for feature in ("face", "aus", "head"):
                data = sample[person][feature][:]
                sums.append(data[-1].sum())
print(time.perf_counter() - start, hashlib.md5(repr(sums).encode()).hexdigest())
"""


def seconds(path, preload):
    env = {**os.environ, "LD_PRELOAD": PRELOAD} if preload else os.environ
    done = subprocess.run([sys.executable, "-c", LOOP, path], check=True, stdout=subprocess.PIPE,
                          text=True, timeout=600, env=env)
    taken, sums = done.stdout.split()
    return float(taken), sums


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--tmp", default=None, help="folder for the file")
    args = parser.parse_args()
    if args.pairs < 15:
        sys.exit("preload: at least 15 pairs")
    random.seed(1)
    found = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="fmtbench-preload-", dir=args.tmp) as folder:
        path = os.path.join(folder, "data.h5")
        fmtbench("gen", "-o", path, "-f", "hdf5-chunked", "--samples", args.samples, "--frames",
                 "2000:4000")
        if len({seconds(path, preload)[1] for preload in found}) != 1:
            sys.exit("preload: other data with the object than without")
        for _ in range(args.pairs):
            for preload in random.sample(list(found), 2):
                found[preload].append(seconds(path, preload)[0])
    ratios = [without / with_it for without, with_it in zip(found[False], found[True])]
    note(f"the guide's loop: {statistics.median(found[False]):.3f} s without, "
         f"{statistics.median(found[True]):.3f} s with libdeflate")
    say_pair("  without over with", ratios)
    lower, _ = bounds(ratios)
    sys.exit(0 if check("preload-guide-loop", lower, BOUND, lower >= BOUND) else 1)


main()
