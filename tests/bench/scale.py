"""Memory is bounded and cost linear: gen, convert to HDF5 and scan on 4 GB in 2,000 samples, against 200
samples of the same length. Beside it, on stderr, two things that tell the program's share from the
machine's: the same steps on a tenth of the bytes, and what a plain `cp` of the bytes takes. A virtual
machine that gives freed memory back pays more for each byte of 4 GB than of 0.4.

Prints `check<TAB>value<TAB>bound<TAB>pass|fail`; needs 9 GB in --tmp. By default that is memory, where
there is room: a disk takes small files into its buffers and writes large ones slowly."""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
LONG = "1400:1740"  # 2,000 samples of it are 4 GB as float32
SHORT = "140:174"
STEPS = ("gen", "convert", "scan")
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


def copy(path):
    """Seconds that the machine takes to copy the bytes."""
    start = time.monotonic()
    subprocess.run(["cp", path, path + ".copy"], check=True)
    return time.monotonic() - start


def steps(folder, samples, frames):
    """The three steps on one size of dataset, and a plain copy: {name: (seconds, peak bytes)}."""
    raw, h5, out = (os.path.join(folder, name) for name in ("data.raw", "data.h5", "run"))
    found = {
        "gen": measure("gen", "-o", raw, "-f", "raw", "--samples", samples, "--frames", frames),
        "convert": measure("convert", raw, "-f", "hdf5-contiguous", "-o", h5),
        "scan": measure("run", h5, "-f", "as-is", "-w", "scan", "--cache", "warm", "--blocks", 1,
                        "--max-bytes", "8GB", "--block-timeout", 600, "--no-plots", "-o", out),
    }
    found["cp"] = (copy(raw), 0)
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


def ratio(pairs, name):
    """Median time of the many samples over that of the few."""
    return (statistics.median(many[name][0] for _, many in pairs)
            / statistics.median(few[name][0] for few, _ in pairs))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tmp", default=roomy())
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fmtbench-scale-", dir=args.tmp) as folder:
        small = [(steps(folder, 200, SHORT), steps(folder, 2000, SHORT)) for _ in range(args.repeats)]
        large = [(steps(folder, 200, LONG), steps(folder, 2000, LONG)) for _ in range(args.repeats)]
    checks = []
    for name in STEPS:
        checks.append((f"{name}-peak-MB", max(many[name][1] for _, many in large) / MB, 256))
        checks.append((f"{name}-time-x", ratio(large, name), 13))
    for title, pairs in (("4 GB against 0.4 GB", large), ("0.4 GB against 0.04 GB", small)):
        print(f"{title}: " + ", ".join(f"{name} {ratio(pairs, name):.1f}x"
                                       for name in (*STEPS, "cp")), file=sys.stderr)
    for check, value, bound in checks:
        print(f"{check}\t{value:.4g}\t{bound}\t{'pass' if value <= bound else 'fail'}")
    sys.exit(0 if all(value <= bound for _, value, bound in checks) else 1)


main()
