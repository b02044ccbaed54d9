"""fmtbench's HDF5 reader against h5py on the same file, side by side: search, slices and random access
of contiguous data at least 2 times as fast, of gzip data never slower.

The requests of a workload, which `run` has verified for both, by fresh workers in pairs of random
order: with the file held open, and opened for every request, as the guide's functions do. What is
judged is the one-sided 95 % lower bound of the median of h5py's time over ours.
Prints `check<TAB>value<TAB>bound<TAB>pass|fail`."""
import argparse
import os
import random
import statistics
import sys
import tempfile

from paired import block, bounds, check, fmtbench, note, plan_of, say_pair

# Many requests, so that what an iteration costs once (its first pages) is a small part.
WORKLOADS = ["search", "slicing:n=100", "random-access:n=40"]
FORMATS = {"contiguous": ("hdf5-contiguous", "h5py-contiguous", 2.0),
           "gzip": ("hdf5-chunked", "h5py", 1.0)}


def compare(name, formats, path, plan, ring, handle, pairs, least):
    found = {format: [] for format in formats}
    for format in formats:
        block(format, path, plan, ring, handle, 1)
    for _ in range(pairs):
        for format in random.sample(formats, 2):
            found[format].append(block(format, path, plan, ring, handle, 5))
    ratios = [theirs / ours for ours, theirs in zip(*(found[format] for format in formats))]
    note(f"{name}: " + ", ".join(f"{format} {statistics.median(ns) / 1e6:.2f} ms"
                                 for format, ns in found.items()))
    say_pair("  h5py over fmtbench", ratios)
    lower, _ = bounds(ratios)
    return check(name, lower, least, lower >= least)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--only", default="", help="checks whose names hold this")
    parser.add_argument("--tmp", default=None, help="folder for the files")
    args = parser.parse_args()
    if args.pairs < 10:
        sys.exit("against_h5py: at least 10 pairs")
    random.seed(1)
    source = f"synth:samples={args.samples},frames=300:600"
    good = True
    with tempfile.TemporaryDirectory(prefix="fmtbench-h5py-", dir=args.tmp) as folder:
        for layout, (ours, theirs, least) in FORMATS.items():
            path = os.path.join(folder, f"{layout}.h5")
            fmtbench("convert", source, "-f", ours, "-o", path)
            for workload in WORKLOADS:
                plan, ring = plan_of(source, workload, folder, "-f", ours, "-f", theirs)
                for handle in ("keep", "each"):
                    name = f"{layout}-{workload.split(':')[0]}-{handle}"
                    if args.only in name:
                        good &= compare(name, [ours, theirs], path, plan, ring, handle, args.pairs,
                                        least)
    sys.exit(0 if good else 1)


main()
