"""The pickle format costs what pickle.load costs, and its allow-list next to nothing.

Pairs of fresh processes in random order: a full load by the format's worker (the second in the
process, as `run` times it), and a script of a few lines that does pickle.load once and nothing else.
Their ratio must lie within 5 %: both one-sided 95 % bounds of its median. The same script with the
worker's own load_pickle in the place of pickle.load tells what the allow-list costs.

Then ratios of pickle to HDF5 from a script as the guide describes it (compare_formats.py), against
the same ratios of fmtbench's own rows, pickle and h5py, of the same files, in turns. They are the same
within their scatter when each median lies within the other's single ratios, 5th to 95th percentile.
The script has a process for each comparison, whose first calls are timed: fmtbench's first iterations.
Like the guide it begins with one sample and its shapes; that pays for h5py's start, which is in none of
fmtbench's figures. What it asks for stands in its arguments: to look it up would be half of a search.

Two more are told, and not checked. Of fmtbench's warm iterations: without what first calls cost. Of the
script with all comparisons in one process: there every further pickle is loaded into memory that the
one before left behind, which fmtbench, where every iteration pays for its memory, does not do.
Prints `check<TAB>value<TAB>bound<TAB>pass|fail`."""
import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

import h5py

from paired import HERE, PYTHON_WORKER, block, bounds, check, fmtbench, note, plan_of, say_pair

PLAIN = """
import sys, time
import pickle, numpy
start = time.perf_counter_ns()
with open(sys.argv[1], "rb") as file:
    data = pickle.load(file)
print(time.perf_counter_ns() - start)
"""
ALLOWED = """
import sys, time
sys.argv[1:], path = [], sys.argv[1]
sys.path.insert(0, {folder!r})
from worker import load_pickle
start = time.perf_counter_ns()
data = load_pickle(path)
print(time.perf_counter_ns() - start)
""".format(folder=os.path.dirname(PYTHON_WORKER))
# What the script of the guide does -> workload of the same requests, and how it holds the HDF5 file
SAME = {"full-load": ("full-load", "once"), "random-access": ("random-access:n=0", "each"),
        "slicing": ("slicing:n=24", "each"), "search": ("search", "each")}


def script(text, path):
    done = subprocess.run([sys.executable, "-c", text, path], check=True, stdout=subprocess.PIPE,
                          text=True, timeout=600)
    return int(done.stdout)


def load_times(folder, source, pairs):
    good = True
    for protocol in (4, 5, 2):
        path = os.path.join(folder, f"{protocol}.pkl")
        fmtbench("convert", source, "-f", f"pickle:protocol={protocol}", "-o", path)
        plan, ring = plan_of(source, "full-load", folder, "-f", "pickle")
        measures = {"worker": lambda: block("pickle", path, plan, 0, "once", 1),
                    "plain": lambda: script(PLAIN, path),
                    "allowed": lambda: script(ALLOWED, path)}
        found = {name: [] for name in measures}
        for measure in measures.values():
            measure()
        for _ in range(pairs):
            for name in random.sample(sorted(measures), len(measures)):
                found[name].append(measures[name]())
        size = os.path.getsize(path)
        note(f"protocol {protocol}, {size / 1e6:.0f} MB: " + ", ".join(
            f"{name} {statistics.median(ns) / 1e6:.1f} ms" for name, ns in found.items()))
        ratios = [a / b for a, b in zip(found["worker"], found["plain"])]
        costs = [a / b for a, b in zip(found["allowed"], found["plain"])]
        say_pair("  the format over pickle.load", ratios)
        say_pair("  with the allow-list over without", costs)
        lower, upper = bounds(ratios)
        good &= check(f"load-time-{protocol}", upper, 1.05, upper <= 1.05)
        good &= check(f"load-time-{protocol}-least", lower, 0.95, lower >= 0.95)
        lower, upper = bounds(costs)
        good &= check(f"allow-list-{protocol}", upper, 1.05, upper <= 1.05)
    return good


def own_ratios(folder, source, rounds, turn):
    """{name: pickle over h5py, by round} of the warm iterations and of those before, and the two files."""
    out = os.path.join(folder, f"rows-{turn}")
    words = [word for workload in {w for w, _ in SAME.values()} for word in ("-w", workload)]
    fmtbench("run", source, "-f", "pickle", "-f", "h5py:dtype=f32", *words, "--cache", "warm",
             "--handle", "once,each", "--blocks", rounds, "--no-plots", "--keep-files", "-o", out)
    with open(os.path.join(out, "results.csv"), newline="") as file:
        cells = {row["cell_id"]: row for row in csv.DictReader(file)}
    assert all(row["status"] in ("ok", "not-applicable") for row in cells.values())
    times = {}
    with open(os.path.join(out, "iterations.csv"), newline="") as file:
        for row in csv.DictReader(file):
            cell = cells[row["cell_id"]]
            key = row["warmup"], cell["workload"], cell["format"], cell["handle"]
            times.setdefault(key, {}).setdefault(row["round"], []).append(int(row["ns"]))
    warm, first = {}, {}
    for warmup, ratios in ("0", warm), ("1", first):
        for name, (workload, handle) in SAME.items():
            workload = workload.split(":")[0]
            loads, reads = times[warmup, workload, "pickle", "once"], times[warmup, workload, "h5py", handle]
            ratios[name] = [statistics.median(loads[r]) / statistics.median(reads[r]) for r in loads]
    files = os.path.join(out, "files")
    pkl, h5 = (os.path.join(files, next(f for f in sorted(os.listdir(files)) if f.endswith(end)))
               for end in (".pkl", ".h5"))
    return warm, first, pkl, h5


def asked_of(h5, seed):
    """What the script is asked: the requests of fmtbench's workloads, drawn anew."""
    rng = random.Random(seed)
    with h5py.File(h5, "r") as file:
        names = [name.decode() for name in file["sample_names"][:]]
        frames = [int(file[f"sample_{i:03d}"].attrs["num_frames_expert"]) for i in range(len(names))]
    order, index = rng.sample(range(len(names)), len(names)), rng.randrange(len(names))
    quarter = len(frames) // 4
    return json.dumps({"order": order, "windows": [(i, rng.randrange(frames[i] - 100)) for i in order],
                       "frames": [sorted(frames)[quarter], sorted(frames)[-1 - quarter]],
                       "name": names[index], "index": index})


def guides_ratios(pkl, h5, seeds, alone):
    """As the script does it, each comparison in a process of its own, or all in one."""
    ratios = {name: [] for name in SAME}
    for seed in seeds:
        for only in [[name] for name in SAME] if alone else [[]]:
            done = subprocess.run([sys.executable, os.path.join(HERE, "compare_formats.py"), pkl, h5,
                                   asked_of(h5, seed), *only], check=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, timeout=600)
            for name, seconds in json.loads(done.stdout).items():
                ratios[name].append(seconds["pickle"] / seconds["hdf5"])
    return ratios


def scatter(values):
    cuts = statistics.quantiles(values, n=20)
    return cuts[0], cuts[-1]


def astray(one, other):
    """How far the further median lies from the other's scatter, as a factor; 1 or less: within."""
    def beyond(values, low, high):
        return max(statistics.median(values) / high, low / statistics.median(values))
    return max(beyond(one, *scatter(other)), beyond(other, *scatter(one)))


def compare_scripts(folder, source, rounds):
    """The machine drifts: all take turns."""
    sides = {side: {name: [] for name in SAME} for side in ("first", "alone", "warm", "one process")}
    for turn in range(max(1, rounds // 5)):
        seeds = range(5 * turn, 5 * turn + 5)
        warm, first, pkl, h5 = own_ratios(folder, source, len(seeds), turn)
        for side, more in (("warm", warm), ("first", first),
                           ("one process", guides_ratios(pkl, h5, seeds, False)),
                           ("alone", guides_ratios(pkl, h5, seeds, True))):
            for name in SAME:
                sides[side][name] += more[name]
        subprocess.run(["rm", "-r", os.path.dirname(os.path.dirname(pkl))], check=True)
    good = True
    for name in SAME:
        for side, ratios in sides.items():
            ends, (low, high) = bounds(ratios[name], 0.975), scatter(ratios[name])
            note(f"{name}, pickle over HDF5, {side}: median {statistics.median(ratios[name]):.3g} (95 % "
                 f"{ends[0]:.3g} to {ends[1]:.3g}), scatter {low:.3g} to {high:.3g}")
        far = astray(sides["first"][name], sides["alone"][name])
        good &= check(f"guide-{name}", far, 1, far <= 1)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=50, help="of the guide's script")
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--tmp", default=None, help="folder for the files")
    args = parser.parse_args()
    if args.pairs < 10 or args.rounds < 10:
        sys.exit("load_pickle: at least 10 of each")
    random.seed(1)
    source = f"synth:samples={args.samples},dtype=f64"
    with tempfile.TemporaryDirectory(prefix="fmtbench-pickle-", dir=args.tmp) as folder:
        good = load_times(folder, source, args.pairs)
        good &= compare_scripts(folder, source, args.rounds)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
