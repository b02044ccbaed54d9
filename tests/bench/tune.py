"""`make bench-tune`: what `tune` recommends against a grid measured in full, and against shapes of others.

For each case (tune_cases.py): the search; then each setting of the grid, measured as the search's last stage
measures (`tune --candidates`); then the file is stored as recommended, and the grid's winner, the heuristics
and the present setting are measured against that afresh, other requests, block by block beside it.

    regret      cost of the recommendation over that of the grid's winner, upper bound
    time        of the search over that of the grid, whose calibration is not counted
    worse       settings of others that are clearly cheaper than the recommendation
    faster      reading time of the better of present setting and h5py's guess over the recommendation's
    rank        Spearman, predicted and measured reading time over the grid

    tune.py [NAME...]       cases whose name has one of these in it; default all
"""
import csv
import os
import subprocess
import sys
import tempfile
import time

from paired import FMTBENCH, check, fmtbench, note
from tune_cases import CASES, grid_of

REGRET, TIME, RANK, FASTER = 1.05, 0.10, 0.9, 2
LAST_STAGE = 15  # blocks a setting, as in the search
ROUNDS = 101
SEED = 11  # not that of the search
OTHERS = ("h5py", "netcdf", "unidata", "present")


def number(text):
    return float(text) if text else float("nan")


def tune(path, case, out, *args):
    """(rows, seconds)"""
    words = [FMTBENCH, "tune", path, "--access", case["access"], "-o", out, "--no-plots", *map(str, args)]
    if "array" in case:
        words += ["--array", case["array"]]
    start = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=3600)
    seconds = time.monotonic() - start
    with open(os.path.join(out, "tune.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["group"] == "1"]
    return rows, seconds


def spec(row):
    return f"{row['format']}:{row['options']}" if row["options"] else row["format"]


def listed(path, specs):
    with open(path, "w") as file:
        file.write("".join(f"{line}\n" for line in specs))
    return path


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    out = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for i in order[at:end]:
            out[i] = (at + end - 1) / 2
        at = end
    return out


def spearman(x, y):
    a, b = ranks(x), ranks(y)
    mean = (len(a) - 1) / 2
    top = sum((p - mean) * (q - mean) for p, q in zip(a, b))
    return top / (sum((p - mean) ** 2 for p in a) * sum((q - mean) ** 2 for q in b)) ** 0.5


def stored(path, row, case, folder):
    """The file in the setting of the row."""
    if row is None:
        return path
    out = os.path.join(folder, "recommended.h5")
    words = [FMTBENCH, "tune", path, "--setting", spec(row), "--apply", out]
    if "array" in case:
        words += ["--array", case["array"]]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    return out


def run_case(case, path, folder):
    name = case["name"]
    grid = listed(os.path.join(folder, "grid.txt"), grid_of(case))
    # Arrays in one piece may be the present setting, which is no candidate.
    one = listed(os.path.join(folder, "one.txt"), grid_of(case)[1:2])
    found, seconds = tune(path, case, os.path.join(folder, "search"))
    measured, grid_seconds = tune(path, case, os.path.join(folder, "grid"), "--candidates", grid,
                                 "--rounds", LAST_STAGE)
    _, beside = tune(path, case, os.path.join(folder, "one"), "--candidates", one, "--rounds", 6)
    best = next((row for row in found if row["recommended"] == "1"), None)
    finals = [row for row in measured if row["stage"] == "final"]
    winner = min(finals, key=lambda row: number(row["cost"]))
    others = {who: spec(row) for row in found if row["stage"] in ("final", "present")
              for who in OTHERS if who in row["names"].split() and row["format"] != "as-is"}

    again = stored(path, best, case, folder)
    rivals = [spec(winner)] + list(others.values())
    duel, _ = tune(again, case, os.path.join(folder, "duel"), "--candidates",
                   listed(os.path.join(folder, "duel.txt"), dict.fromkeys(rivals + grid_of(case)[:1])), "--rounds", ROUNDS,
                   "--seed", SEED)
    against = {spec(row): row for row in duel if row["stage"] == "final"}
    mine = spec(best) if best else others.get("present", "present")

    def ratio(who, column, same=1.0):
        row = against.get(who)
        return number(row[column]) if row else same

    regret = ratio(spec(winner), "cost"), 1 / ratio(spec(winner), "cost_lower")
    worse = [who for who, text in others.items() if ratio(text, "cost_upper") < 1]
    faster = min(ratio(others[who], "read_ratio") for who in ("present", "h5py") if who in others)
    # What has too many chunks to be counted is not reckoned, as it is too slow to be worth it.
    rank = spearman([float(row["predicted_read_ratio"] or "inf") for row in finals],
                    [number(row["read_ratio"]) for row in finals])
    part = seconds / (grid_seconds - beside)
    note(f"{name}: {len(finals)} settings; recommended {mine}, the grid's winner {spec(winner)} "
         f"(cost {number(winner['cost']):.3f}); winner over recommended {regret[0]:.3f}; search "
         f"{seconds:.1f} s, grid {grid_seconds - beside:.1f} s")
    for who, text in others.items():
        note(f"    {who:8s} {text}: reads in {ratio(text, 'read_ratio'):.2f} times, costs "
             f"{ratio(text, 'cost'):.2f} times the recommended")
    return {"name": name, "settings": len(finals), "regret": regret[1], "part": part, "worse": worse,
            "faster": faster, "rank": rank}


def report(r):
    name = r["name"]
    return [check(f"{name}: settings", r["settings"], 150, r["settings"] >= 150),
            check(f"{name}: regret, upper bound", r["regret"], REGRET, r["regret"] <= REGRET),
            check(f"{name}: time of search over grid", r["part"], TIME, r["part"] <= TIME),
            check(f"{name}: clearly worse than ({', '.join(r['worse']) or 'none'})", len(r["worse"]), 0,
                  not r["worse"]),
            check(f"{name}: rank correlation of the model", r["rank"], RANK, r["rank"] >= RANK)]


def main():
    wanted = sys.argv[1:]
    cases = [case for case in CASES if not wanted or any(w in case["name"] for w in wanted)]
    made, results, good = {}, [], []
    print("check\tvalue\tbound\tresult")
    with tempfile.TemporaryDirectory(prefix="fmtbench-bench-tune-") as folder:
        for number_, case in enumerate(cases):
            own = os.path.join(folder, str(number_))
            os.mkdir(own)
            path = case["data"]
            if callable(path):
                if path not in made:
                    made[path] = os.path.join(folder, path.__name__ + ".h5")
                    path(made[path], fmtbench)
                path = made[path]
            if not os.path.exists(path):
                sys.exit(f"{case['name']}: {path} is not there")
            results.append(run_case(case, path, own))
            good += report(results[-1])
            subprocess.run(["rm", "-rf", own], check=True)
    if not wanted:
        good.append(check("cases", len(results), 8, len(results) >= 8))
    # None of the patterns is the whole array.
    twice = sum(r["faster"] >= FASTER for r in results)
    good.append(check("part of the cases read at least twice as fast as at present and by h5py's guess",
                      twice / len(results), 0.5, 2 * twice >= len(results)))
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
