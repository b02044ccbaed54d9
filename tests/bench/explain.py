"""Explanations are right: for six files with a known fault, `explain` names it, and its advice, applied,
changes the time as it promised.

Old and new are read by fresh workers in interleaved pairs, hashes checked. What is judged are the
one-sided 95 % bounds of the median gain: the lower one must be above 1, and both within a factor 1.5 of
the promised gain.
Prints `check<TAB>value<TAB>bound<TAB>pass|fail`."""
import argparse
import csv
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

import h5py
import numpy as np

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
BOUND = 1.5
HEADER = "op,array,dtype,start,count,axis,min,max,sample,name,joined"


def walk(rows, *rest):
    """Smooth in time and rounded, as landmarks are: gzip makes it a few times smaller."""
    steps = np.random.default_rng(1).normal(0, 0.003, (rows, *rest))
    return np.round(np.cumsum(steps, axis=0), 3).astype("f4")


def noise(*shape):
    return np.random.default_rng(1).normal(0, 1, shape)


# name -> cause, workload, data, how it is stored
CASES = {
    "too-large": ("chunks-too-large", "slicing:window=100,n=20", lambda: walk(60000, 68, 2),
                  {"chunks": (1800, 68, 2), "compression": 4}),
    "too-small": ("chunks-too-small", "slicing:window=500,n=10", lambda: walk(20000, 68, 2),
                  {"chunks": (1, 68, 2), "compression": 4}),
    "split": ("chunks-split", "slicing:window=100,n=40", lambda: walk(30000, 68, 2),
              {"chunks": (357, 17, 1), "compression": 4}),
    "cache": ("cache-too-small", "scan:window=1", lambda: walk(64, 12000),
              {"chunks": (64, 12000), "compression": 4}),
    "incompressible": ("incompressible", "slicing:window=100,n=40", lambda: noise(20000, 68, 2),
                       {"chunks": (100, 68, 2), "compression": 4}),
    "contiguous": ("strided", "slicing:axis=1,window=1,n=8", lambda: walk(40000, 68, 2), {}),
}


def run(*args):
    return subprocess.run([FMTBENCH, *args], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=600).stdout


def make_plan(folder, path, workload):
    """The requests that `run` makes, as a worker's plan, their hashes, and the size of its ring."""
    out = os.path.join(folder, "run")
    run("run", path, "-f", "as-is", "-w", workload, "--cache", "warm", "--handle", "once",
        "--blocks", "1", "--no-plots", "-o", out)
    with open(os.path.join(out, "plan.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    subprocess.run(["rm", "-r", out], check=True)
    plan = os.path.join(folder, "plan.csv")
    with open(plan, "w", newline="") as file:
        file.write(HEADER + "\n")
        writer = csv.DictWriter(file, HEADER.split(","), lineterminator="\n",
                                extrasaction="ignore")
        writer.writerows(rows)
    ring = sum(int(row["bytes"]) + 64 for row in rows)
    return plan, [row["hash"] for row in rows], ring


def block(path, plan, hashes, ring, options, handle, iterations):
    """Median ns of a fresh worker's iterations behind one for warm-up."""
    job = {"job": "read", "format": "as-is", "options": options, "file": path, "plan": plan,
           "handle": handle, "deliver": "hash", "buffer": ring, "storage": False}
    talk = "".join(json.dumps(message) + "\n" for message in (
        job, {"go": True, "iterations": iterations + 1}, {"go": False}))
    said = subprocess.run([FMTBENCH, "worker"], input=talk, capture_output=True, text=True,
                          check=True, timeout=300).stdout
    times = []
    for message in map(json.loads, said.splitlines()):
        if "ns" in message:
            assert message["hashes"] == hashes, f"{path}: wrong data"
            times.append(message["ns"])
    return statistics.median(times[1:])


def bounds_of_median(ratios):
    """One-sided 95 % bounds, lower and upper, as in paired.h: order statistics whose rank a
    Binomial(n, 1/2) exceeds with at most 5 % probability."""
    ratios, n, k = sorted(ratios), len(ratios), 0
    total = 0.5 ** n
    while total < 0.95 and k + 1 < n:
        k += 1
        total += math.comb(n, k) * 0.5 ** n
    return ratios[n - 1 - k], ratios[k]


def measure(old, new, pairs):
    """Gains of `new` over `old`: ratios of interleaved blocks, after one for the pace."""
    pace = [max(1, min(20, int(30e6 / block(*way, 1)))) for way in (old, new)]
    ratios = []
    order = random.Random(1)
    for _ in range(pairs):
        ns = {}
        for way in order.sample([0, 1], 2):
            ns[way] = block(*(old, new)[way], pace[way])
        ratios.append(ns[0] / ns[1])
    return ratios


def apply_advice(folder, path, advice):
    """The file, options and handle to read with."""
    if advice["remedy"] == "cache":
        return path, advice["options"], "once"
    if advice["remedy"] == "keep":
        return path, "", "keep"
    new = os.path.join(folder, "new.h5")
    options = f":{advice['options']}" if advice["options"] else ""
    run("convert", path, "-f", advice["writer"] + options, "-o", new)
    return new, "", "once"


def check_case(folder, name, pairs):
    cause, workload, data, how = CASES[name]
    path = os.path.join(folder, "old.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=data(), **how)
    advice, = json.loads(run("explain", path, "-w", workload, "--json"))
    checks = [(f"{name}-cause-is-{cause}", advice["cause"], cause, advice["cause"] == cause)]
    if advice["remedy"] == "none":
        return checks + [(f"{name}-gain", "no advice", BOUND, False)]
    plan, hashes, ring = make_plan(folder, path, workload)
    new, options, handle = apply_advice(folder, path, advice)
    gains = measure((path, plan, hashes, ring, "", "once"),
                    (new, plan, hashes, ring, options, handle), pairs)
    promised = advice["promised_ratio"]
    lower, upper = bounds_of_median(gains)
    off = max(upper / promised, promised / lower)
    print(f"{name}: {advice['remedy']} {advice['options']}: promised {promised:.2f}x, measured "
          f"{statistics.median(gains):.2f}x ({lower:.2f} to {upper:.2f}) over {pairs} pairs", file=sys.stderr)
    checks.append((f"{name}-gain-lower", f"{lower:.3g}", "> 1", lower > 1))
    checks.append((f"{name}-off-its-promise-by-at-most", f"{off:.3g}", BOUND, off <= BOUND))
    return checks


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=[], help=", ".join(CASES))
    parser.add_argument("--pairs", type=int, default=20)
    args = parser.parse_args()
    fine = True
    for name in args.cases or CASES:
        with tempfile.TemporaryDirectory(prefix="fmtbench-explain-") as folder:
            for check, value, bound, passed in check_case(folder, name, args.pairs):
                print(f"{check}\t{value}\t{bound}\t{'pass' if passed else 'fail'}", flush=True)
                fine = fine and passed
    sys.exit(0 if fine else 1)


main()
