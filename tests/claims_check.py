"""Computes a claims folder again from its runs' CSV files: every figure from its formula, every
verdict from claims.csv alone. Written from results/evidence.h and results/claims.h, not from the code.

    python3 tests/claims_check.py DIR     prints what differs; exit code 1 if anything does"""
import csv
import math
import os
import re
import statistics
import sys

NAN = float("nan")
LEVEL, LEAST = 0.98, 0.95


def rows(*path):
    with open(os.path.join(*path), newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    return float(text) if text else NAN


def median_interval(values):
    """Median and interval of whole numbers, from order statistics (results/statistics.h)."""
    values, n = sorted(values), len(values)
    median = values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) // 2
    coverage = [None]
    for r in range(1, n // 2 + 1):
        tail = sum(math.comb(n, k) for k in range(r)) / 2 ** n
        coverage.append(round(1 - 2 * tail, 12))
    if n < 2 or coverage[1] < LEAST:
        return median, NAN, NAN
    rank = max([r for r in range(1, len(coverage)) if coverage[r] >= LEVEL], default=1)
    lower, upper = values[rank - 1], values[n - rank]
    if rank + 1 < len(coverage) and coverage[rank] > LEVEL > coverage[rank + 1]:
        part = (coverage[rank] - LEVEL) / (coverage[rank] - coverage[rank + 1])
        weight = (n - rank) * part / (rank + (n - 2 * rank) * part)
        lower, upper = (lower + math.floor(weight * (values[rank] - lower)),
                        upper - math.floor(weight * (upper - values[n - rank - 1])))
    return median, lower, upper


class Folder:
    def __init__(self, path):
        self.path = path
        self.cache = {}

    def table(self, run, name):
        if (run, name) not in self.cache:
            self.cache[run, name] = rows(self.path, run, name)
        return self.cache[run, name]

    def row(self, run, cell):
        row, = [r for r in self.table(run, "results.csv") if r["cell_id"] == cell]
        return row

    def blocks(self, run, cell):
        return [b for b in self.table(run, "blocks.csv") if b["cell_id"] == cell]

    def rounds(self, run, cell):
        """The block's median iteration, by round."""
        times = {}
        for i in self.table(run, "iterations.csv"):
            if i["cell_id"] == cell and i["warmup"] == "0":
                times.setdefault(int(i["round"]), []).append(int(i["ns"]))
        return {r: math.floor(statistics.median(ns)) for r, ns in times.items()}

    # --- formulas ---------------------------------------------------------------------------------

    def column(self, run, cell, name):
        value = number(self.row(run, cell)[name])
        return value, value, value

    def f_time(self, ref):
        row = self.row(*ref.split("/"))
        return tuple(number(row[key]) for key in ("median_ns", "lower_ns", "upper_ns"))

    def f_cpu(self, ref):
        return median_interval([(int(b["user_ns"]) + int(b["system_ns"])) // int(b["counted"])
                                for b in self.blocks(*ref.split("/")) if int(b["counted"] or 0)])

    def f_peak(self, ref):
        return median_interval([int(b["peak_bytes"]) for b in self.blocks(*ref.split("/"))])

    def f_over(self, prefix, ref):
        cell, column = ref.split(".")
        runs = [r for r in os.listdir(self.path) if r.startswith(prefix.rstrip("*"))]
        return median_interval([int(self.row(run, cell)[column]) for run in runs])

    def f_paired(self, a, b):
        a, b = self.rounds(*a.split("/")), self.rounds(*b.split("/"))
        ratios = [math.floor(a[r] / b[r] * 1e6 + 0.5) for r in sorted(a) if r in b]
        return tuple(x / 1e6 for x in median_interval(ratios))

    @staticmethod
    def f_ratio(a, b):
        return a[0] / b[0], a[1] / b[2], a[2] / b[1]

    @staticmethod
    def f_saving(a, b):
        return 1 - a[0] / b[0], 1 - a[2] / b[1], 1 - a[1] / b[2]

    @staticmethod
    def f_slope(a, b, x, y):
        run = y[0] - x[0]
        return (b[0] - a[0]) / run, (b[1] - a[2]) / run, (b[2] - a[1]) / run

    @staticmethod
    def f_largest(*items):
        return tuple(NAN if any(math.isnan(i[k]) for i in items) else max(i[k] for i in items)
                     for k in range(3))

    @staticmethod
    def f_reach(target, *points):
        xs = [p[0] for p in points[::2]]

        def solve(k):
            ys = [p[k] for p in points[1::2]]
            slope, offset = statistics.linear_regression(xs, ys)
            return (target - offset) / slope if slope > 0 else NAN
        value, ends = solve(0), (solve(1), solve(2))
        if any(map(math.isnan, ends)):
            return value, NAN, NAN
        return value, min(*ends, value), max(*ends, value)

    @staticmethod
    def f_crossing(*items):
        points = list(zip(items[::3], items[1::3], items[2::3]))
        above = len(points)
        while above and points[above - 1][1][0] > points[above - 1][2][0]:
            above -= 1
        value = NAN
        if 0 < above < len(points):
            (x, a, b), (y, c, d) = points[above - 1], points[above]
            p, q = math.log(a[0] / b[0]), math.log(c[0] / d[0])
            part = -p / (q - p)
            value = math.exp(math.log(x[0]) + part * (math.log(y[0]) - math.log(x[0])))
        lower = max([x[0] for x, a, b in points if a[2] < b[1]], default=0)
        upper = math.inf
        for x, a, b in reversed(points):
            if not a[1] > b[2]:
                break
            upper = x[0]
        return value, lower, upper

    @staticmethod
    def f_dominators(which, *items):
        triples = list(zip(items[::3], items[1::3], items[2::3]))
        mine = triples[int(which)]
        less = lambda a, b: a[2] < b[1]  # noqa: E731
        possible = [t for t in triples if t is not mine and t[0][0] <= mine[0][0]
                    and not less(mine[1], t[1]) and not less(mine[2], t[2])]
        sure = [t for t in possible if less(t[1], mine[1]) or less(t[2], mine[2])]
        return len(sure), len(sure), len(possible)

    @classmethod
    def f_cheaper(cls, which, factor, *items):
        pairs = list(zip(items[::2], items[1::2]))
        mine = pairs[int(which)]
        ratios = [cls.f_ratio(mine[1], w) for s, w in pairs[:int(which)]
                  if s[0] <= factor * mine[0][0]]
        return max([r for r in ratios if r[0] > 1] + [(1, 1, 1)], key=lambda r: r[0])

    def compute(self, formula):
        value, rest = self.parse(formula)
        assert not rest, rest
        return value

    def parse(self, text):
        """One term off the text: its value (or what it names) and the rest."""
        word = re.match(r"[^(),\s]+", text).group()
        text = text[len(word):]
        if not text.startswith("("):
            if re.fullmatch(r"[0-9.e+]+", word):
                return float(word), text
            full = re.fullmatch(r"([a-z0-9-]+)/(c[0-9a-f]+)\.([a-z_]+)", word)
            return (self.column(*full.groups()) if full else word), text
        args, text = [], text[1:]
        while not text.startswith(")"):
            arg, text = self.parse(text.lstrip(", "))
            args.append(arg)
        return getattr(self, "f_" + word)(*args), text[1:]


# --- the rule -------------------------------------------------------------------------------------

def holds(figure):
    low, high = number(figure["bound_low"]), number(figure["bound_high"])
    if (math.isnan(low) and math.isnan(high)) or figure["why"]:
        return ""
    low = -math.inf if math.isnan(low) else low
    high = math.inf if math.isnan(high) else high
    lower, upper = number(figure["lower"]), number(figure["upper"])
    if math.isnan(lower) or math.isnan(upper):
        return "unclear"
    if low <= lower and upper <= high:
        return "yes"
    return "no" if upper < low or lower > high else "unclear"


def verdict(figures):
    by = {role: [holds(f) for f in figures if f["role"] == role]
          for role in ("must", "decides", "softens")}
    needed = by["must"] + by["decides"]
    if not needed or "" in needed:
        return "not measured"
    if "no" in by["must"]:
        return "not reproduced"
    if set(needed) == {"yes"}:
        return "reproduced"
    if set(by["decides"]) == {"no"} and not set(by["softens"]) - {"no", ""}:
        return "not reproduced"
    return "depends"


def same(a, b):
    if math.isnan(b):
        return math.isnan(a) or math.isinf(a)
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-12)


def differences(path):
    """What in claims.csv does not follow from the runs beside it; and the verdicts."""
    folder, wrong, verdicts, figures = Folder(path), [], {}, []
    for row in rows(path, "claims.csv"):
        where = f"{row['claim']}, {row['figure']} {row['at']}"
        if row["row"] == "verdict":
            verdicts[row["claim"]] = row["verdict"]
            if verdict(figures) != row["verdict"]:
                wrong.append(f"{row['claim']}: {row['verdict']}, by the rule {verdict(figures)}")
            figures = []
            continue
        figures.append(row)
        if row["holds"] != holds(row):
            wrong.append(f"{where}: holds is {row['holds']}, should be {holds(row)}")
        if row["formula"]:
            for key, value in zip(("value", "lower", "upper"), folder.compute(row["formula"])):
                if not same(value, number(row[key])):
                    wrong.append(f"{where}: {key} {row[key]}, computed {value}: {row['formula']}")
        elif not row["why"]:
            wrong.append(f"{where}: neither a formula nor a reason")
    return wrong, verdicts


if __name__ == "__main__":
    found, all_verdicts = differences(sys.argv[1])
    print(*found, sep="\n")
    print(*(f"{claim}\t{word}" for claim, word in all_verdicts.items()), sep="\n")
    sys.exit(1 if found else 0)
