"""Inner and process clocks agree: what a whole command takes, less what the same command takes with an
empty plan and the same buffer, is what the worker's own clock says of the reads.

A warm scan of a gzip file, which is to take at least 100 ms, in triples of the three measurements in
random order. Prints `check<TAB>value<TAB>bound<TAB>pass|fail`: the value is how far apart the clocks may
be, relative to the inner time: the larger of two one-sided 95 % bounds of the median of the signed
difference, one upwards and one downwards."""
import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
FORMAT, OPTIONS = "hdf5-chunked", "level=4"
HEADER = ["op", "array", "dtype", "start", "count", "axis", "min", "max", "sample", "name", "joined"]
BOUND = 0.10
LEAST_NS = 100e6


def prepare(folder, samples):
    """The file, the plan of a scan as a worker is given it, an empty one, and the ring's size."""
    path, plan, empty = (os.path.join(folder, name) for name in ("data.h5", "plan.csv", "empty.csv"))
    run = os.path.join(folder, "run")
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([FMTBENCH, "gen", "-o", path, "-f", f"{FORMAT}:{OPTIONS}", "--samples",
                    str(samples)], **quiet)
    # One block of `null`, which reads nothing: for its plan.csv.
    subprocess.run([FMTBENCH, "run", path, "-f", "null", "-w", "scan", "--cache", "warm", "--blocks",
                    "1", "--no-plots", "-o", run], **quiet)
    with open(os.path.join(run, "plan.csv"), newline="") as file:
        requests = list(csv.DictReader(file))
    for name, rows in ((plan, requests), (empty, [])):
        with open(name, "w", newline="") as file:
            table = csv.DictWriter(file, HEADER, extrasaction="ignore", lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    return path, plan, empty, max(int(r["bytes"]) for r in requests)


def process_ns(path, plan, buffer):
    """A whole command by the clock on the wall."""
    words = [FMTBENCH, "execute", f"--format={FORMAT}", f"--options={OPTIONS}", f"--file={path}",
             f"--plan={plan}", f"--buffer={buffer}"]
    start = time.monotonic_ns()
    child = os.posix_spawn(FMTBENCH, words, os.environ)
    _, status, _ = os.wait4(child, 0)
    taken = time.monotonic_ns() - start
    if status:
        sys.exit("clocks: execute failed")
    return taken


def inner_ns(path, plan, buffer):
    """The worker's own clock in a fresh process: the first execution, as a command's is."""
    worker = subprocess.Popen([FMTBENCH, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)

    def hear():
        message = json.loads(worker.stdout.readline())
        if "error" in message:
            sys.exit(f"clocks: {message['error']}")
        return message

    def say(**message):
        worker.stdin.write(json.dumps(message) + "\n")
        worker.stdin.flush()

    hear()
    say(job="read", format=FORMAT, options=OPTIONS, file=path, plan=plan, handle="once",
        deliver="hash", buffer=buffer, storage=False)
    hear()
    say(go=True, iterations=1)
    taken = hear()["ns"]
    say(go=False)
    hear()
    worker.stdin.close()
    worker.wait()
    return taken


def rank(n):
    """The order statistic (from 0) that is at least the median with 95 %: as tests/bench/paired.h."""
    term = total = 0.5 ** n
    k = 0
    while total < 0.95 and k + 1 < n:
        term *= (n - k) / (k + 1)
        total += term
        k += 1
    return min(k, n - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--triples", type=int, default=60)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--tmp", default=None, help="folder for the dataset")
    args = parser.parse_args()
    if args.triples < 20:
        sys.exit("clocks: at least 20 triples")
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="fmtbench-clocks-", dir=args.tmp) as folder:
        path, plan, empty, buffer = prepare(folder, args.samples)
        measures = {"whole": lambda: process_ns(path, plan, buffer),
                    "empty": lambda: process_ns(path, empty, buffer),
                    "inner": lambda: inner_ns(path, plan, buffer)}
        found = {name: [] for name in measures}
        for measure in measures.values():
            measure()  # the file is in the page cache from here on
        for _ in range(args.triples):
            for name in random.sample(sorted(measures), len(measures)):
                found[name].append(measures[name]())
    middle = {name: statistics.median(times) for name, times in found.items()}
    print(", ".join(f"{name} {ns / 1e6:.1f} ms" for name, ns in middle.items()) +
          f": medians of {args.triples}", file=sys.stderr)
    if middle["inner"] < LEAST_NS:
        sys.exit(f"clocks: the scan takes less than {LEAST_NS / 1e6:.0f} ms here; give more --samples")
    apart = sorted((whole - empty - inner) / inner for whole, empty, inner in
                   zip(found["whole"], found["empty"], found["inner"]))
    upper, lower = apart[rank(len(apart))], apart[-1 - rank(len(apart))]
    print(f"process less empty process less inner, by the inner time: median "
          f"{statistics.median(apart):+.4f}, 95 % bounds {lower:+.4f} and {upper:+.4f}", file=sys.stderr)
    value = max(upper, -lower)
    print(f"clocks-difference\t{value:.4g}\t{BOUND:.2f}\t{'pass' if value <= BOUND else 'fail'}")
    sys.exit(0 if value <= BOUND else 1)


main()
