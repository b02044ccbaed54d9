"""The pickle format costs what pickle.load costs, and its allow-list next to nothing.

Pairs of fresh processes in random order: a full load by the format's worker (the second in the
process, as `run` times it), and a script of a few lines that does pickle.load once and nothing else.
Their ratio must lie within 5 %: both one-sided 95 % bounds of its median. The same script with the
worker's own load_pickle in the place of pickle.load tells what the allow-list costs.

Then ratios of pickle to HDF5 from a script as the guide describes it (compare_formats.py), against
the same ratios of fmtbench's pickle and h5py: the same files, the same requests, in turns. Five checks
for each comparison:

  guide-NAME              fmtbench's rows, and the script with a process for each comparison, lie within
                          each other's scatter: each median within the other's single ratios, 5th to
                          95th percentile. For a search of a few milliseconds first iterations take the
                          place of rows: it is over before the processor's caches have what it needs.
  guide-NAME-apart        the same two are at most 5 % apart, by the far ends of the medians' 95 %
                          intervals. Some percent are ours: the allow-list, requests that are looked up
                          one by one, and memory that goes back to the kernel on closing.
  guide-NAME-first        the same script against first iterations, by 95 % intervals of the medians,
                          which must overlap: known to fail by a percent or two where rounds are many
  guide-NAME-one-process  of the script with all comparisons in one process. Its full load is the first
                          there, and lies within the rows' scatter as above. All further pickles are
                          loaded into memory of which malloc has kept a part, and how much differs from
                          script to script: their median lies between pickle-again's 5th percentile and
                          pickle's 95th. A wide bound, as it must be.
  guide-NAME-one-process-equal  that script has the rows' own ratios: the intervals overlap. For all but
                          the full load this is known to fail, as every iteration of fmtbench pays for
                          its memory.

The script begins like the guide with one sample and its shapes; that pays for h5py's start, which is in
none of fmtbench's figures. It has the pickle before HDF5. There are 96 samples, as the search of few is
mostly what first calls cost.
Prints `check<TAB>value<TAB>bound<TAB>pass|fail`."""
import argparse
import csv
import json
import os
import random
import shutil
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
# What the script of the guide does -> workload of the same requests, how it holds the HDF5 file, and
# which iterations stand for the row
SAME = {"full-load": ("full-load", "once", "warm"),
        "random-access": ("random-access:n=0", "each", "warm"),
        "slicing": ("slicing:n={samples}", "each", "warm"), "search": ("search", "each", "first")}
TURN = 5  # rounds


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


def own_times(folder, samples, rounds, turn):
    """{side: {name: [(pickle, HDF5)...]}} in ns, by round: of the warm iterations, of those before
    ("first"), and in a process that has the memory ("again"), as SAME says; and what the script takes:
    the two files, and the same requests."""
    out = os.path.join(folder, f"rows-{turn}")
    words = [word for workload, _, _ in SAME.values()
             for word in ("-w", workload.format(samples=samples))]
    fmtbench("run", f"synth:samples={samples},dtype=f64", "-f", "pickle", "-f", "pickle-again", "-f",
             "h5py:dtype=f32", *words, "--cache", "warm", "--handle", "once,each", "--blocks", rounds,
             "--no-plots", "--keep-files", "-o", out)
    with open(os.path.join(out, "results.csv"), newline="") as file:
        cells = {row["cell_id"]: row for row in csv.DictReader(file)}
    assert all(row["status"] in ("ok", "not-applicable") for row in cells.values())
    times = {}
    with open(os.path.join(out, "iterations.csv"), newline="") as file:
        for row in csv.DictReader(file):
            cell = cells[row["cell_id"]]
            key = row["warmup"], cell["workload"], cell["format"], cell["handle"]
            times.setdefault(key, {}).setdefault(row["round"], []).append(int(row["ns"]))
    sides = {}
    for side, format in (("warm", "pickle"), ("first", "pickle"), ("again", "pickle-again")):
        sides[side] = {}
        for name, (_, handle, own) in SAME.items():
            warmup = {"warm": "0", "first": "1", "again": "1" if own == "first" else "0"}[side]
            loads, reads = times[warmup, name, format, "once"], times[warmup, name, "h5py", handle]
            sides[side][name] = [(statistics.median(loads[r]), statistics.median(reads[r]))
                                 for r in loads]
    files = os.path.join(out, "files")
    pkl, h5 = (os.path.join(files, next(f for f in sorted(os.listdir(files)) if f.endswith(end)))
               for end in (".pkl", ".h5"))
    return sides, [pkl, h5, asked_of(os.path.join(out, "plan.csv"), h5)]


def asked_of(plan, h5):
    """What the script is to ask for, of the requests of fmtbench's workloads."""
    requests = {}
    with open(plan, newline="") as file:
        for row in csv.DictReader(file):
            requests.setdefault(row["workload"], []).append(row)
    with h5py.File(h5, "r") as file:
        names = [name.decode() for name in file["sample_names"][:]]
    by_range, by_name = requests["search"]
    assert by_range["axis"] == "0" and {r["count"] for r in requests["slicing"]} == {"100 68 2"}
    assert all(r["array"].endswith("/expert/face") for name in ("search", "random-access", "slicing")
               for r in requests[name])

    def sample(request):
        return int(request["array"].split("/")[0][len("sample_"):])

    return json.dumps({"order": [sample(r) for r in requests["random-access"]],
                       "windows": [(sample(r), int(r["start"].split()[0])) for r in requests["slicing"]],
                       "frames": [int(by_range["min"]), int(by_range["max"])],
                       "name": by_name["name"], "index": names.index(by_name["name"])})


def guides_times(words, rounds, alone):
    """{name: [(pickle, HDF5)...]} in ns; each comparison in a process of its own, or all in one."""
    times = {name: [] for name in SAME}
    for _ in range(rounds):
        for only in [[name] for name in SAME] if alone else [[]]:
            done = subprocess.run([sys.executable, os.path.join(HERE, "compare_formats.py"), *words,
                                   *only], check=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, timeout=600)
            for name, seconds in json.loads(done.stdout).items():
                times[name].append((1e9 * seconds["pickle"], 1e9 * seconds["hdf5"]))
    return times


def scatter(values):
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return cuts[0], cuts[-1]


def astray(one, other):
    """How far the further median lies from the other's scatter, as a factor; 1 or less: within."""
    return max(outside(statistics.median(one), *scatter(other)),
               outside(statistics.median(other), *scatter(one)))


def apart(one, other):
    """How far apart the two medians are at most, as a factor, by the ends of their 95 % intervals."""
    (a, b), (c, d) = bounds(one, 0.975), bounds(other, 0.975)
    return max(b / c, d / a)


def gap(one, other):
    """How far apart the intervals themselves are, as a factor; 1 or less: they overlap."""
    (a, b), (c, d) = bounds(one, 0.975), bounds(other, 0.975)
    return max(a / d, c / b)


def outside(value, low, high):
    """How far from low to high, as a factor; 1 or less: between."""
    return max(value / high, low / value)


def compare_scripts(folder, samples, rounds):
    """The machine drifts: all take turns."""
    sides = {side: {name: [] for name in SAME}
             for side in ("warm", "first", "again", "alone", "one process")}
    for turn in range(rounds // TURN):
        found, words = own_times(folder, samples, TURN, turn)
        for side in random.sample(["alone", "one process"], 2):
            found[side] = guides_times(words, TURN, side == "alone")
        for side in sides:
            for name in SAME:
                sides[side][name] += found[side][name]
        shutil.rmtree(os.path.join(folder, f"rows-{turn}"))
    good = True
    for name, (_, _, own) in SAME.items():
        ratios = {side: [pickle / hdf5 for pickle, hdf5 in times[name]] for side, times in sides.items()}
        for side in sides:
            pickle, hdf5 = (statistics.median(ns) / 1e6 for ns in zip(*sides[side][name]))
            ends, (low, high) = bounds(ratios[side], 0.975), scatter(ratios[side])
            note(f"{name}, {side}: pickle {pickle:.1f} ms, HDF5 {hdf5:.1f} ms, ratio "
                 f"{statistics.median(ratios[side]):.3g} (95 % {ends[0]:.3g} to {ends[1]:.3g}), scatter "
                 f"{low:.3g} to {high:.3g}")
        far = astray(ratios[own], ratios["alone"])
        good &= check(f"guide-{name}", far, 1, far <= 1)
        far = apart(ratios[own], ratios["alone"])
        good &= check(f"guide-{name}-apart", far, 1.05, far <= 1.05)
        far = astray(ratios["one process"], ratios[own]) if name == "full-load" else outside(
            statistics.median(ratios["one process"]), scatter(ratios["again"])[0],
            scatter(ratios[own])[1])
        good &= check(f"guide-{name}-one-process", far, 1, far <= 1)
        for what, one, other in (("first", "first", "alone"),
                                 ("one-process-equal", "warm", "one process")):
            far = gap(ratios[one], ratios[other])
            good &= check(f"guide-{name}-{what}", far, 1, far <= 1)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=50, help="of the guide's script")
    parser.add_argument("--samples", type=int, default=24, help="of the pickles that are loaded")
    parser.add_argument("--script-samples", type=int, default=96, help="of those the script compares")
    parser.add_argument("--tmp", default=None, help="folder for the files")
    args = parser.parse_args()
    if args.pairs < 10 or args.rounds < 20 or args.rounds % TURN:
        sys.exit(f"load_pickle: at least 10 pairs and 20 rounds, and these a multiple of {TURN}")
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="fmtbench-pickle-", dir=args.tmp) as folder:
        good = load_times(folder, f"synth:samples={args.samples},dtype=f64", args.pairs)
        good &= compare_scripts(folder, args.script_samples, args.rounds)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
