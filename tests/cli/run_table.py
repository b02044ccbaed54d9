"""Every time in the terminal table follows from iterations.csv alone: medians, intervals and ratios
are computed again here, by other means, and compared with what was printed to the last digit.

results.csv says only what a row is (cell, role, state) and which coverage its interval has (interval_level)."""
import collections
import csv
import fractions
import math
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

SMALL = "synth:samples=3,frames=150:300"
TIME = r"[\d.]+ (?:ns|us|ms|s)"
ROW = re.compile(rf"^(?P<label>.*?) +(?P<cache>warm|cold)\?? +(?P<handle>once|each|keep) +"
                 rf"(?P<median>{TIME})  +(?P<interval>-|[\d.]+-{TIME})  +"
                 r"(?P<ratio>-|fastest|< 0\.01x|[\d.e+]+x)(?:\s|$)")
TINY = fractions.Fraction(1, 10 ** 9)
UNITS = (("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9))


def rows(folder, name):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


# --- the statistics again -----------------------------------------------------------------------------

def median(values):
    """The middle one, or the mean of the middle two rounded down."""
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) // 2


def blocks_of(iterations):
    """{cell: the median of each of its blocks}"""
    blocks = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in iterations:
        if row["warmup"] == "0" and row["ns"]:
            blocks[row["cell_id"]][int(row["block"])].append(int(row["ns"]))
    return {cell: sorted(map(median, of.values())) for cell, of in blocks.items()}


def coverage(n, rank):
    """P(the median lies between the rank-th smallest and the rank-th largest of n), exactly."""
    outside = sum(math.comb(n, i) for i in range(rank))
    return 1 - fractions.Fraction(2 * outside, 2 ** n)


def interval(values, level):
    """The pair of order statistics with that coverage or, where none has just that, what lies between the
    two nearest pairs by the weight of Hettmansperger and Sheather (1986), rounded outwards. In floating
    point from the exact coverages on: weights such as 0.2 meet whole numbers often."""
    n = len(values)
    ranks = [r for r in range(1, n // 2 + 1) if coverage(n, r) >= fractions.Fraction(level) - TINY]
    if not ranks:
        return None
    rank, level = max(ranks), float(level)
    low, high = values[rank - 1], values[n - rank]
    outer, inner = (round(float(coverage(n, r)), 12) for r in (rank, rank + 1))
    if outer - level < TINY:
        return low, high
    part = (outer - level) / (outer - inner)
    weight = (n - rank) * part / (rank + (n - 2 * rank) * part)
    return (low + math.floor(weight * (values[rank] - low)),
            high - math.floor(weight * (high - values[n - rank - 1])))


# --- the printing again ------------------------------------------------------------------------------

def decimals(scaled):
    return 0 if scaled >= 99.95 else 1 if scaled >= 9.995 else 2


def unit_of(ns):
    found = UNITS[0]
    for unit in UNITS[1:]:
        if ns / unit[1] >= 0.9995:
            found = unit
    return found


def time_text(ns):
    name, factor = unit_of(ns)
    scaled = ns / factor
    return f"{scaled:.{0 if name == 'ns' else decimals(scaled)}f} {name}"


def interval_text(ends):
    if not ends:
        return "-"
    low, high = ends
    name, factor = unit_of(high)
    low /= factor
    places = 0 if name == "ns" else 3 if low < 0.9995 else decimals(low)
    return f"{low:.{places}f}-{time_text(high)}"


def ratio_text(own, best, contender):
    if best is None:
        return "-"
    ratio = own / best
    if contender and ratio <= 1:
        return "fastest"
    if ratio < 0.01:
        return "< 0.01x"
    if ratio < 9.995:
        return f"{ratio:.2f}x"
    return f"{ratio:.1f}x" if ratio < 99.95 else f"{ratio:.0f}x" if ratio < 1e6 else f"{ratio:.1e}x"


def expected(table, iterations):
    """{cell: (median, interval, ratio) as texts} of every row that has a time."""
    blocks = blocks_of(iterations)
    races = collections.defaultdict(list)
    texts = {}
    done = [r for r in table if r["status"] == "ok"]

    def race(r):
        return tuple(r[c] for c in ("workload", "workload_options", "cache", "handle", "clock"))

    def fit(r):
        return not r["cache_state"].endswith("unproven")

    for r in done:
        if r["role"] == "contender" and fit(r):
            races[race(r)].append(median(blocks[r["cell_id"]]))
    for r in done:
        values = blocks[r["cell_id"]]
        ends = interval(values, r["interval_level"]) if r["interval_level"] else None
        best = min(races[race(r)], default=None) if fit(r) else None
        texts[r["cell_id"]] = (time_text(median(values)), interval_text(ends),
                               ratio_text(median(values), best, r["role"] == "contender" and fit(r)))
    return texts


# --- what was printed --------------------------------------------------------------------------------

def printed(text, table):
    """{cell: (median, interval, ratio)} as the terminal shows them."""
    found = {}
    workload, clock, before = None, "inner", ""
    for line in text.splitlines():
        heading = re.match(r"^([a-z-]+): \d+ requests?\b", line)
        row = ROW.match(line)
        if heading:
            workload, clock = heading.group(1), "inner"
        elif line.startswith("whole processes"):
            clock = "process"
        elif row:
            # Too long a label has the line before to itself.
            words = (row["label"].strip() or before).replace(" (reference)", "").split()
            cells = [r for r in table if r["workload"] == workload and r["clock"] == clock
                     and r["cache"] == row["cache"] and r["handle"] == row["handle"]
                     and r["format"] == words[0] and set(words[1:]) <= set(r["options"].split(","))]
            assert len(cells) == 1, (line, cells)
            assert cells[0]["cell_id"] not in found, line
            found[cells[0]["cell_id"]] = (row["median"], row["interval"], row["ratio"])
        before = line
    return found


def differences(shown, table, iterations):
    computed = expected(table, iterations)
    assert shown.keys() == computed.keys(), (len(shown), len(computed))
    return [(cell, shown[cell], computed[cell]) for cell in shown if shown[cell] != computed[cell]]


def run(folder, *args):
    result = tap.run("run", SMALL, "--no-plots", "-o", folder, *args)
    table = rows(folder, "results.csv")
    return printed(result.stdout, table), table, rows(folder, "iterations.csv")


with tap.scratch() as tmp:
    many = ("-f", "raw", "-f", "raw-mmap", "-f", "hdf5-contiguous", "-f", "hdf5-chunked:level=1", "-f",
            "hdf5-chunked:level=4", "-f", "null", "-w", "slicing", "-w", "full-load")
    with tap.case("medians, intervals and ratios of all rows follow from iterations.csv"):
        shown, table, iterations = run(os.path.join(tmp, "many"), *many, "--blocks", 7)
        assert len(shown) > 35 and all(text[1] != "-" for text in shown.values())
        assert not differences(shown, table, iterations), differences(shown, table, iterations)
    with tap.case("too few blocks have no interval, and the rest follows all the same"):
        few = run(os.path.join(tmp, "few"), "-f", "raw", "-f", "hdf5-chunked", "-w", "slicing",
                  "--blocks", 3)
        assert all(text[1] == "-" for text in few[0].values()) and not differences(*few)
    with tap.case("show prints what follows from iterations.csv, too"):
        again = printed(tap.run("show", os.path.join(tmp, "many")).stdout, table)
        assert not differences(again, table, iterations)
    with tap.case("one time that is another is noticed in every cold row"):
        cold = [r for r in table if r["status"] == "ok" and r["cache"] == "cold"]
        assert len(cold) > 10
        for r in cold:
            own = sorted((i for i in iterations if i["cell_id"] == r["cell_id"]),
                         key=lambda i: int(i["ns"]))
            middle = own[len(own) // 2]
            kept, middle["ns"] = middle["ns"], "1"
            assert r["cell_id"] in [d[0] for d in differences(shown, table, iterations)], r
            middle["ns"] = kept
    with tap.case("a median, an interval and a ratio that are wrong by their last digit are noticed"):
        for place in range(3):
            cell = next(c for c in shown if re.search(r"\d", shown[c][place]))
            wrong = list(shown[cell])
            wrong[place] = re.sub(r"\d(?=\D*$)", lambda d: str((int(d.group()) + 1) % 10), wrong[place])
            assert [d[0] for d in differences({**shown, cell: tuple(wrong)}, table, iterations)] == [cell]
    if shutil.which("hyperfine"):
        with tap.case("whole processes: the same of hyperfine's times"):
            whole = run(os.path.join(tmp, "whole"), "-f", "raw", "-f", "hdf5-chunked", "-w", "slicing",
                        "--handle", "once", "--blocks", 6, "--whole-process")
            clocks = collections.Counter(r["clock"] for r in whole[1] if r["cell_id"] in whole[0])
            assert clocks == {"inner": 4, "process": 4}, clocks
            assert not differences(*whole), differences(*whole)
    with tap.case("ranks and coverages are the known ones"):
        assert [float(coverage(n, 1)) for n in (5, 6)] == [0.9375, 0.96875]
        # Of ten, ranks 1 and 2 cover 99.8 % and 97.9 %; of six, none has 98 %.
        ten = list(range(0, 1000, 100))
        assert interval(ten, "0.978515625") == (100, 800) and interval(ten, "0.998046875") == (0, 900)
        low, high = interval(ten, "0.98")
        part = (1 - 2 / 1024 - 0.98) / (20 / 1024)
        assert low == 900 - high == math.floor(900 * part / (1 + 8 * part))
        assert interval(list(range(6)), "0.96875") == (0, 5) and interval(list(range(6)), "0.98") is None
        assert [time_text(ns) for ns in (7, 999, 1000, 99949, 999499, 999500, 12345678, 10 ** 12)] == [
            "7 ns", "999 ns", "1.00 us", "99.9 us", "999 us", "1.00 ms", "12.3 ms", "1000 s"]
tap.done()
