"""The pickle format costs what pickle.load costs, and its allow-list next to nothing.

Pairs of fresh processes in random order: a full load by the format's worker (the second in the
process, as `run` times it), and a script of a few lines that does pickle.load once and nothing else.
Their ratio must lie within 5 %: both one-sided 95 % bounds of its median. The same script with the
worker's own load_pickle in the place of pickle.load tells what the allow-list costs.

Then ratios of pickle to HDF5 from a script as the guide describes it (compare_formats.py), against
the same ratios of fmtbench's pickle and h5py: the same files, the same requests, in turns. For each
comparison of the script:

  guide-NAME        fmtbench's rows, and the script with a process for each comparison, lie within each
                    other's scatter: each median within the other's single ratios, 5th to 95th
                    percentile. For a search of a few milliseconds first iterations take the place of
                    rows: it is over before the processor's caches have what it needs.
  guide-NAME-apart  The same two are at most 5 % apart, by the far ends of the medians' 95 % intervals.
                    Some percent are ours: the allow-list, and that all memory goes back on closing.
  guide-NAME-first  The intervals of the same script and of first iterations overlap. Has failed by up to
                    2.4 %.

  guide-NAME-one-process, -one-process-apart
                    The script has all comparisons in one process. All pickles but the first are loaded
                    there into memory of which malloc has kept a part, and how much differs from script
                    to script; its page faults tell. fmtbench has both ends: `pickle` gets all memory
                    from the kernel, `pickle-again` none. The time in proportion between the two, for as
                    many faults as the script had, gives a ratio; it and the script's own lie within
                    each other's scatter, and are at most 5 % apart, both as above. HDF5's time is that
                    of fmtbench, with its own faults.
  guide-NAME-one-process-fixed, -one-process-fixed-apart
                    The same script, whose malloc is told by its environment to leave the size alone from
                    which it maps blocks by themselves: less is kept. Here times of pickles are compared,
                    like ratios above, as more of what h5py loads comes from the kernel, too.
  guide-NAME-one-process-equal
                    The first of these scripts has the rows' own ratios: the intervals overlap. Known to
                    fail for all but the full load, as every iteration of fmtbench pays for its memory.

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
# The script: whether each comparison has a process of its own, and what its malloc is told
SCRIPTS = {"alone": (True, {}), "one process": (False, {}),
           "one process fixed": (False, {"MALLOC_MMAP_THRESHOLD_": str(128 * 1024)})}


def script(text, path):
    done = subprocess.run([sys.executable, "-c", text, path], check=True, stdout=subprocess.PIPE,
                          text=True, timeout=600)
    return int(done.stdout)


def load_times(folder, source, pairs):
    good = True
    for protocol in (4, 5, 2):
        path = os.path.join(folder, f"{protocol}.pkl")
        fmtbench("convert", source, "-f", f"pickle:protocol={protocol}", "-o", path)
        plan, _ = plan_of(source, "full-load", folder, "-f", "pickle")
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
    """{side: {name: [(pickle, HDF5, page faults of pickle, of HDF5)...]}}, times in ns, by round: of
    the warm iterations, of those before ("first"), and in a process that has the memory ("again"), as
    SAME says; and what the script takes: the two files, and the same requests. Faults are those of the
    iterations that were counted, warm ones all."""
    out = os.path.join(folder, f"rows-{turn}")
    words = [word for workload, _, _ in SAME.values()
             for word in ("-w", workload.format(samples=samples))]
    fmtbench("run", f"synth:samples={samples},dtype=f64", "-f", "pickle", "-f", "pickle-again", "-f",
             "h5py:dtype=f32", *words, "--cache", "warm", "--handle", "once,each", "--blocks", rounds,
             "--no-plots", "--keep-files", "-o", out)
    with open(os.path.join(out, "results.csv"), newline="") as file:
        cells = {row["cell_id"]: row for row in csv.DictReader(file)}
    assert all(row["status"] in ("ok", "not-applicable") for row in cells.values())
    times, faults = {}, {}
    with open(os.path.join(out, "blocks.csv"), newline="") as file:
        for row in csv.DictReader(file):
            cell = cells[row["cell_id"]]
            if row["counted"] not in ("NA", "0"):
                key = cell["workload"], cell["format"], cell["handle"], row["round"]
                faults[key] = int(row["minor_faults"]) // int(row["counted"])
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
            sides[side][name] = [(statistics.median(loads[r]), statistics.median(reads[r]),
                                  faults[name, format, "once", r], faults[name, "h5py", handle, r])
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


def guides_times(words, rounds, alone, settings):
    """{name: [(pickle, HDF5, page faults of pickle, of HDF5)...]} of the script, times in ns."""
    times = {name: [] for name in SAME}
    for _ in range(rounds):
        for only in [[name] for name in SAME] if alone else [[]]:
            done = subprocess.run([sys.executable, os.path.join(HERE, "count_faults.py"),
                                   os.path.join(HERE, "compare_formats.py"), *words, *only], check=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                  env={**os.environ, **settings}, timeout=600)
            found, faults = map(json.loads, done.stdout.splitlines())
            # Before and behind the pickle, before and behind HDF5; imports took the time before that.
            faults = iter(faults[-4 * len(found):])
            for (name, seconds), (a, b, c, d) in zip(found.items(), zip(*[faults] * 4)):
                times[name].append((1e9 * seconds["pickle"], 1e9 * seconds["hdf5"], b - a, d - c))
    return times


def foretold(script, fresh, kept):
    """By fmtbench's figures, of a process that has none of the memory and of one that has all, the same
    of a pickle that is loaded with as many page faults as the script's: in proportion."""
    assert len(script) == len(fresh) == len(kept)
    told = []
    for (_, _, had, _), (slow, hdf5, most, reading), (fast, _, least, _) in zip(script, fresh, kept):
        assert most > least
        told.append((fast + (slow - fast) * (had - least) / (most - least), hdf5, had, reading))
    return told


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


def ratios_of(times):
    return [pickle / hdf5 for pickle, hdf5, _, _ in times]


def loads_of(times):
    return [pickle for pickle, _, _, _ in times]


def say(what, times):
    (pickle, hdf5, *faults), ratios = map(statistics.median, zip(*times)), ratios_of(times)
    ends, (low, high) = bounds(ratios, 0.975), scatter(ratios)
    note(f"{what}: pickle {pickle / 1e6:.1f} ms, {faults[0]:.0f} page faults, HDF5 {hdf5 / 1e6:.1f} ms, "
         f"{faults[1]:.0f}; ratio {statistics.median(ratios):#.3g} (95 % {ends[0]:#.3g} to "
         f"{ends[1]:#.3g}), scatter {low:#.3g} to {high:#.3g}")


def compare_scripts(folder, samples, rounds):
    """The machine drifts: all take turns."""
    sides = {side: {name: [] for name in SAME} for side in ("warm", "first", "again", *SCRIPTS)}
    for turn in range(rounds // TURN):
        found, words = own_times(folder, samples, TURN, turn)
        for side in random.sample(sorted(SCRIPTS), len(SCRIPTS)):
            found[side] = guides_times(words, TURN, *SCRIPTS[side])
        for side in sides:
            for name in SAME:
                sides[side][name] += found[side][name]
        shutil.rmtree(os.path.join(folder, f"rows-{turn}"))
    good = True
    for name, (_, _, own) in SAME.items():
        times = {side: found[name] for side, found in sides.items()}
        for side in ("one process", "one process fixed"):
            times[side + ", foretold"] = foretold(times[side], times[own], times["again"])
        for side, found in times.items():
            say(f"{name}, {side}", found)
        for what, one, other, values in (
                ("", own, "alone", ratios_of),
                ("-one-process", "one process, foretold", "one process", ratios_of),
                ("-one-process-fixed", "one process fixed, foretold", "one process fixed", loads_of)):
            one, other = values(times[one]), values(times[other])
            good &= check(f"guide-{name}{what}", astray(one, other), 1, astray(one, other) <= 1)
            far = apart(one, other)
            good &= check(f"guide-{name}{what}-apart", far, 1.05, far <= 1.05)
        for what, one, other in (("first", "first", "alone"),
                                 ("one-process-equal", "warm", "one process")):
            far = gap(ratios_of(times[one]), ratios_of(times[other]))
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
