"""The same run twice says the same: `make demo`'s source and settings, two runs one after the other, and
the share of cells whose two medians differ by less than 5 % and whose two intervals overlap.

Reads nothing but both results.csv. Prints `check<TAB>value<TAB>bound<TAB>pass|fail` for the warm cells,
the cold ones beside them without a bound; on stderr the cells that are furthest apart."""
import argparse
import csv
import os
import shlex
import subprocess
import sys
import time

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
NEAR = 0.05
BOUNDS = {"median-within-5pct": 0.90, "intervals-overlap": 0.95}
WORST = 15


def measure(folder, gen, run):
    """What `make demo` does, but for the pictures; returns results.csv."""
    os.makedirs(folder)
    path = os.path.join(folder, "noxire.h5")
    subprocess.run([FMTBENCH, "gen", "-o", path, *gen], check=True)
    result = subprocess.run([FMTBENCH, "run", path, *run, "-o", folder, "--no-plots"],
                            stdout=subprocess.DEVNULL)
    if result.returncode:
        sys.exit(f"repeat: the run in {folder} ended with {result.returncode}")
    os.remove(path)
    return os.path.join(folder, "results.csv")


def cells(path):
    """{cell_id: row} of the rows with a time; references too, since they are measured alike."""
    with open(path, newline="") as file:
        return {r["cell_id"]: r for r in csv.DictReader(file)
                if r["status"] == "ok" and r["clock"] == "inner" and r["median_ns"]}


def apart(a, b):
    """How much larger the larger median is."""
    one, two = int(a["median_ns"]), int(b["median_ns"])
    return max(one, two) / max(min(one, two), 1) - 1


def overlap(a, b):
    """A row without an interval, of too few blocks, overlaps with nothing."""
    ends = [r[c] for r in (a, b) for c in ("lower_ns", "upper_ns")]
    if "" in ends:
        return False
    low_a, high_a, low_b, high_b = map(int, ends)
    return low_a <= high_b and low_b <= high_a


def compare(first, second):
    """Prints the shares; True when those of the warm cells hold."""
    both = [(first[c], second[c]) for c in first if c in second]
    lost = [(first.get(c) or second[c])["cache"] for c in set(first) ^ set(second)]
    if len(both) != len(first) or len(both) != len(second):
        print(f"repeat: {len(first)} and {len(second)} cells, {len(both)} of them in both",
              file=sys.stderr)
    good = True
    for cache in ("warm", "cold"):
        pairs = [(a, b) for a, b in both if a["cache"] == cache]
        shares = {"median-within-5pct": [apart(a, b) < NEAR for a, b in pairs],
                  "intervals-overlap": [overlap(a, b) for a, b in pairs]}
        for marks in shares.values():
            marks += [False] * lost.count(cache)  # what one of the runs could not say
        for name, marks in shares.items():
            share = sum(marks) / len(marks) if marks else 0.0
            if cache == "warm":
                held = share >= BOUNDS[name]
                good = good and held
                print(f"repeat-warm-{name}\t{share:.4g}\t{BOUNDS[name]:.2f}\t"
                      f"{'pass' if held else 'fail'}")
            else:
                print(f"# repeat-cold-{name}: {share:.4g} of {len(marks)}")
        print(f"# {cache}: {len(pairs)} cells in both runs, {lost.count(cache)} in one")
    return good


def tell_worst(first, second):
    both = sorted(((first[c], second[c]) for c in first if c in second),
                  key=lambda pair: -apart(*pair))
    for a, b in both[:WORST]:
        print(f"{apart(a, b):7.1%}  {int(a['median_ns']) / 1e6:10.4f} ms {int(b['median_ns']) / 1e6:10.4f}"
              f" ms  {'overlap' if overlap(a, b) else 'apart  '}  {a['workload']} {a['format']}"
              f"{':' if a['options'] else ''}{a['options']} {a['cache']} {a['handle']}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gen", default="", help="arguments of gen beside -o, as one text")
    parser.add_argument("--run", default="", help="arguments of run beside SOURCE and -o, as one text")
    parser.add_argument("--dir", default=f"results/runs/repeat-{time.strftime('%Y%m%d-%H%M%S')}",
                        help="where the two runs go, in folders 1 and 2")
    parser.add_argument("--results", nargs=2, metavar="CSV", help="compare these, measure nothing")
    args = parser.parse_args()
    paths = args.results or [measure(os.path.join(args.dir, number), shlex.split(args.gen),
                                     shlex.split(args.run)) for number in ("1", "2")]
    first, second = map(cells, paths)
    tell_worst(first, second)
    sys.exit(0 if compare(first, second) else 1)


main()
