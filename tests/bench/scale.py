"""Memory is bounded and cost linear: gen, convert to HDF5 and scan on 4 GB in 2,000 samples, and on a
tenth of it. Prints `check<TAB>value<TAB>bound<TAB>pass|fail`; needs 9 GB in --tmp. By default that is
memory, where there is room: a disk takes small files into its buffers and writes large ones slowly,
which says nothing about fmtbench."""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
FRAMES = "1400:1740"  # 2,000 samples of it are 4 GB as float32
MB = 1_000_000


def measure(*args):
    """Wall seconds, and the highest resident set of the command or any process below it."""
    start = time.monotonic()
    process = subprocess.Popen([FMTBENCH, *map(str, args)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if status:
        sys.exit(f"scale: fmtbench {' '.join(map(str, args))} failed")
    return seconds, usage.ru_maxrss * 1024


def steps(folder, samples):
    """The three steps on one size of dataset: {name: (seconds, peak bytes)}."""
    raw, h5, out = (os.path.join(folder, name) for name in ("data.raw", "data.h5", "run"))
    found = {
        "gen": measure("gen", "-o", raw, "-f", "raw", "--samples", samples, "--frames", FRAMES),
        "convert": measure("convert", raw, "-f", "hdf5-contiguous", "-o", h5),
        "scan": measure("run", h5, "-f", "as-is", "-w", "scan", "--cache", "warm", "--blocks", 1,
                        "--max-bytes", "8GB", "--block-timeout", 600, "--no-plots", "-o", out),
    }
    print(f"{samples} samples, {os.path.getsize(raw) / 1e9:.2f} GB: " + ", ".join(
        f"{name} {seconds:.1f} s {peak / MB:.0f} MB" for name, (seconds, peak) in found.items()),
        file=sys.stderr)
    for path in os.listdir(folder):
        path = os.path.join(folder, path)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    return found


def roomy():
    """Where to work: /dev/shm if it has the room, else the usual temporary folder."""
    shm = "/dev/shm"
    return shm if os.path.isdir(shm) and shutil.disk_usage(shm).free > 12e9 else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tmp", default=roomy())
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    fine = True
    with tempfile.TemporaryDirectory(prefix="fmtbench-scale-", dir=args.tmp) as folder:
        rounds = [(steps(folder, 200), steps(folder, 2000)) for _ in range(args.repeats)]
    for name in ("gen", "convert", "scan"):
        peak = max(large[name][1] for _, large in rounds) / MB
        ratio = (statistics.median(large[name][0] for _, large in rounds)
                 / statistics.median(small[name][0] for small, _ in rounds))
        for check, value, bound in ((f"{name}-peak-MB", peak, 256), (f"{name}-time-x", ratio, 13)):
            fine &= value <= bound
            print(f"{check}\t{value:.4g}\t{bound}\t{'pass' if value <= bound else 'fail'}")
    sys.exit(0 if fine else 1)


main()
