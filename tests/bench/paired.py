"""What the benchmarks in Python share: bounds of a median, the closing lines, blocks of a worker."""
import csv
import json
import os
import statistics
import subprocess
import sys

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON_WORKER = os.path.join(HERE, "../../formats/python/worker.py")
HEADER = "op,array,dtype,start,count,axis,min,max,sample,name,joined".split(",")


def rank(n, level=0.95):
    """The order statistic (from 0) that is at least the median with this probability: paired.h."""
    term = total = 0.5 ** n
    k = 0
    while total < level and k + 1 < n:
        term *= (n - k) / (k + 1)
        total += term
        k += 1
    return min(k, n - 1)


def bounds(values, level=0.95):
    """One-sided bounds of the median, downwards and upwards; together they hold 2 * level - 1."""
    ordered, k = sorted(values), rank(len(values), level)
    return ordered[-1 - k], ordered[k]


def check(name, value, bound, passed):
    print(f"{name}\t{value:.4g}\t{bound:.4g}\t{'pass' if passed else 'fail'}")
    sys.stdout.flush()
    return passed


def note(text):
    print(text, file=sys.stderr)


def say_pair(what, ratios, unit=""):
    lower, upper = bounds(ratios)
    note(f"{what}: median {statistics.median(ratios):.3f}{unit}, one-sided 95 % bounds {lower:.3f} "
         f"and {upper:.3f}, {len(ratios)} pairs")


def fmtbench(*args):
    return subprocess.run([FMTBENCH, *map(str, args)], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=1800).stdout


def plan_of(source, workload, folder, *args):
    """A workload's requests as a worker is given them: (path of the plan, bytes of its ring)."""
    out = os.path.join(folder, "plan-run")
    fmtbench("run", source, "-w", workload, "--cache", "warm", "--handle", "once", "--blocks", 1,
             "--no-plots", "-o", out, *args)
    with open(os.path.join(out, "plan.csv"), newline="") as file:
        requests = list(csv.DictReader(file))
    with open(os.path.join(out, "results.csv"), newline="") as file:
        assert all(row["status"] == "ok" for row in csv.DictReader(file))
    subprocess.run(["rm", "-r", out], check=True)
    path = os.path.join(folder, f"plan-{workload.split(':')[0]}.csv")
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, HEADER, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(requests)
    return path, min(sum(int(r["bytes"]) + 64 for r in requests), 64 << 20)


def block(format, path, plan, ring, handle, iterations, options=""):
    """Median ns of the iterations of a fresh worker behind one for warm-up, as `run` does it."""
    own = not format.startswith(("pickle", "h5py"))
    words = [FMTBENCH, "worker"] if own else [sys.executable, PYTHON_WORKER,
                                              "numpy" if format.startswith("pickle") else "numpy, h5py"]
    talk = "".join(json.dumps(message) + "\n" for message in (
        {"job": "read", "format": format, "options": options, "file": path, "plan": plan,
         "handle": handle, "deliver": "hash" if own else "bytes", "buffer": ring,
         "storage": False},
        {"go": True, "iterations": 1}, {"go": True, "iterations": iterations}, {"go": False}))
    # Nobody looks at the bytes here: `run` has checked them when it made the plan.
    done = subprocess.run(["/bin/sh", "-c", 'exec "$@" 3>/dev/null 4</dev/null', "sh", *words],
                          input=talk, stdout=subprocess.PIPE, text=True, timeout=600)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if "done" not in answers[-1]:
        sys.exit(f"{format}: {answers[-1].get('error', 'the worker failed')}")
    return statistics.median([a["ns"] for a in answers if "ns" in a][1:])
