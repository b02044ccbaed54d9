"""Cold is cold: blocks that are called cold start with at most 1 % of their file in the page cache, and
a full load of a cold file takes its bytes from the device.

Runs `--cache cold` over formats and workloads, 200 blocks and more, and reads results.csv and blocks.csv.
Prints `check<TAB>value<TAB>bound<TAB>pass|fail`; the first line names the filesystem, since what is
claimed is claimed for ext4."""
import argparse
import csv
import math
import os
import shlex
import subprocess
import sys
import time

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
FORMATS = ("raw", "msgpack", "hdf5-contiguous", "hdf5-chunked")
WORKLOADS = ("full-load", "scan", "random-access", "slicing")
BLOCKS_LEAST = 200
RESIDENT_MOST = 0.01


def filesystem(path):
    """The type of the filesystem that holds the path, by the longest mount point above it."""
    path = os.path.realpath(path)
    best = ("", "n/a")
    with open("/proc/self/mounts") as file:
        for line in file:
            _, point, kind = line.split()[:3]
            point = point.encode().decode("unicode_escape")
            if os.path.commonpath([path, point]) == point and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]


def measure(folder, source, blocks):
    words = [FMTBENCH, "run", source, "--cache", "cold", "--handle", "once", "--blocks", str(blocks),
             "--no-plots", "-o", folder]
    for name in FORMATS:
        words += ["-f", name]
    for name in WORKLOADS:
        words += ["-w", name]
    result = subprocess.run(words, stdout=subprocess.DEVNULL)
    if result.returncode:
        sys.exit(f"cold: {shlex.join(words)} ended with {result.returncode}")


def read(folder, name):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    """A field that is not available counts as no proof of anything."""
    return float(text) if text else math.nan


def report(check, value, bound, held):
    print(f"{check}\t{value:.4g}\t{bound:g}\t{'pass' if held else 'fail'}")
    return held


def check(cells, blocks):
    """True when all holds. Unknown residency is not cold, unknown device bytes are none."""
    cold = {r["cell_id"]: r for r in cells if r["cache"] == "cold" and r["status"] == "ok"}
    blocks = [b for b in blocks if b["cell_id"] in cold]
    resident = [number(b["resident_before"]) for b in blocks]
    share = sum(r <= RESIDENT_MOST for r in resident) / len(resident) if resident else 0.0
    known = [r for r in resident if not math.isnan(r)]
    print(f"highest resident part of a file before a cold block: {max(known, default=math.nan):.4g}; "
          f"unknown for {len(resident) - len(known)} of {len(resident)}", file=sys.stderr)
    loads = {}
    for b in blocks:
        cell = cold[b["cell_id"]]
        if cell["workload"] == "full-load":
            bytes_read = number(b["device_bytes"])
            loads.setdefault(cell["format"], []).append(
                0.0 if math.isnan(bytes_read) else bytes_read / int(cell["file_bytes"]))
    for name, ratios in loads.items():
        print(f"full-load of {name}: device bytes {min(ratios):.4f} to {max(ratios):.4f} of the file's in "
              f"{len(ratios)} blocks", file=sys.stderr)
    least = min((min(ratios) for ratios in loads.values()), default=0.0)
    return all([report("cold-blocks", len(blocks), BLOCKS_LEAST, len(blocks) >= BLOCKS_LEAST),
                report("cold-resident-at-most-1pct", share, 0.99, share >= 0.99),
                report("cold-full-load-device-bytes", least, 0.95, least >= 0.95)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="synth:samples=24,seed=1")
    parser.add_argument("--blocks", type=int, default=13, help="of each of the 16 cells")
    parser.add_argument("--dir", default=f"results/runs/cold-{time.strftime('%Y%m%d-%H%M%S')}")
    parser.add_argument("--run", metavar="RUNDIR", help="judge this run, measure nothing")
    args = parser.parse_args()
    folder = args.run or args.dir
    if not args.run:
        measure(folder, args.source, args.blocks)
    kind = filesystem(folder)
    print(f"# filesystem of {folder}: {kind}")
    if kind != "ext4":
        print(f"cold: {folder} is on {kind}, and the claim is about ext4; --dir names another folder",
              file=sys.stderr)
    sys.exit(0 if check(read(folder, "results.csv"), read(folder, "blocks.csv")) else 1)


main()
