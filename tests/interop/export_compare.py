"""Google Benchmark's own compare.py reads our exports: it compares two runs, and the sides of a gate."""
import csv
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

COMPARE = "/usr/share/benchmark/compare.py"  # where Debian's libbenchmark-tools has it


def has_scipy(python):
    return shutil.which(python) and subprocess.run([python, "-c", "import scipy.stats"],
                                                   stderr=subprocess.DEVNULL).returncode == 0


python = next((p for p in (sys.executable, "python3", "/usr/bin/python3") if has_scipy(p)), None)
if not python or not os.path.exists(COMPARE):
    print("1..0 # SKIP libbenchmark-tools or python3-scipy is not installed")
    sys.exit(0)


def compare(*args):
    """What compare.py says, by name."""
    out = os.path.join(tmp, "compared.json")
    result = subprocess.run([python, COMPARE, "--dump_to_json", out, *args], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, timeout=120)
    assert result.returncode == 0 and "Traceback" not in result.stderr, result.stderr
    with open(out) as file:
        return {entry["name"]: entry for entry in json.load(file)}, result.stdout


def slower(folder, new, factor):
    """The same run with every time multiplied."""
    shutil.copytree(folder, new)
    with open(os.path.join(folder, "iterations.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["ns"] = int(row["ns"]) * factor
    with open(os.path.join(new, "iterations.csv"), "w", newline="") as file:
        out = csv.DictWriter(file, rows[0], lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


with tap.scratch() as tmp:
    first, second = os.path.join(tmp, "first"), os.path.join(tmp, "second")
    tap.run("run", "synth:samples=2,frames=40:60", "-o", first, "-f", "hdf5-contiguous", "-f", "hdf5-chunked", "-w",
            "slicing:window=10", "--cache", "warm", "--handle", "once", "--blocks", 10, "--no-plots")
    slower(first, second, 3)
    with tap.case("compare.py benchmarks: three times the time is a change of +2, in every repetition"):
        for folder in (first, second):
            tap.run("export", folder, "--to", "google-benchmark", "-o", folder + ".json")
        found, text = compare("benchmarks", first + ".json", second + ".json")
        cells = [name for name in found if "slicing" in name]
        assert len(cells) == 2, found
        for name in cells:
            assert len(found[name]["measurements"]) == 10
            for one in found[name]["measurements"]:
                # Medians of an even number of iterations are rounded down.
                assert abs(one["time"] - 2) < 0.01 and one["cpu"] == 0, one
            assert found[name]["utest"]["nr_of_repetitions"] == 10
            assert found[name]["utest"]["have_optimal_repetitions"]
        assert "+2.0" in text
    with tap.case("compare.py filters: the sides of a gate out of one file"):
        gate = os.path.join(tmp, "gate")
        os.mkdir(gate)
        schema = tap.run("schema").stdout

        def write(name, rows):
            part = schema.split(f"\n## {name}:")[1].split("\n## ")[0]
            header = [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")]
            with open(os.path.join(gate, name), "w", newline="") as file:
                out = csv.DictWriter(file, header, restval="", lineterminator="\n")
                out.writeheader()
                out.writerows({"schema_version": 2, "arm": "A/B", "cell": "c", **row} for row in rows)

        write("gate.csv", [{"format": "raw", "b_format": "raw", "workload": "scan", "cache": "warm", "handle": "once",
                            "verdict": "regressed"}])
        write("pairs.csv", [{"stage": 1, "pair": i, "order": "AB", "a_ns": 1000 + i, "b_ns": 2 * (1000 + i)}
                            for i in range(1, 13)])
        tap.run("export", gate, "--to", "google-benchmark", "-o", gate + ".json")
        found, text = compare("filters", gate + ".json", "/A$", "/B$")
        cell, = [entry for name, entry in found.items() if "scan" in name]
        assert len(cell["measurements"]) == 12 and all(one["time"] == 1 for one in cell["measurements"]), cell
        assert cell["utest"]["time_pvalue"] < 0.001 and "+1.0000" in text
tap.done()
