"""`fmtbench run --whole-process`: hyperfine's times beside the worker's, never among them."""
import csv
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

SMALL = "synth:samples=2,frames=100:140"
NPY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../workers/npy.py")

if not shutil.which("hyperfine"):
    print("1..0 # SKIP hyperfine is not installed")
    sys.exit(0)


def rows(folder, name="results.csv"):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


def measure(folder, *args, code=0, env=None, plots=("--no-plots",)):
    result = tap.run("run", SMALL, *plots, "-o", folder, "--blocks", 1, "--whole-process", *args,
                     code=code, env={**os.environ, **(env or {})})
    table = rows(folder)
    return result, [r for r in table if r["clock"] == "inner"], \
        [r for r in table if r["clock"] == "process"]


def fake(folder, script):
    """A PATH whose first hyperfine is the given shell script, after the question for its version."""
    os.makedirs(folder)
    path = os.path.join(folder, "hyperfine")
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return {"PATH": folder + ":" + os.environ["PATH"]}


VERSION = '[ "$1" = --version ] && { echo hyperfine 1.15.0; exit; }\n'
# The word behind --export-json.
EXPORT = 'while [ "$1" != --export-json ]; do shift; done\nout=$2\n'
ONE = ("-f", "hdf5-contiguous", "-w", "slicing", "--cache", "warm", "--handle", "once")

with tap.scratch() as tmp:
    with tap.case("every cell has a row of each clock, with ten runs and more, from odd paths too"):
        folder = os.path.join(tmp, "it's a \"run\" of $(mine) {x}\\")
        result, inner, process = measure(folder, "-f", "raw", "-f", "hdf5-chunked", "-f", "null",
                                         "-w", "slicing", "-w", "full-load", plots=())
        ok = [r for r in process if r["status"] == "ok"]
        assert len(process) == len(inner) and len(ok) == 12, [r["reason"] for r in process]
        assert not {r["cell_id"] for r in inner} & {r["cell_id"] for r in process}
        iterations = rows(folder, "iterations.csv")
        for r in ok:
            own = [i for i in iterations if i["cell_id"] == r["cell_id"]]
            assert len(own) == int(r["blocks"]) == int(r["iterations"]) >= 10, r
            assert len({i["block"] for i in own}) == len(own) and {i["warmup"] for i in own} == {"0"}
            assert r["verification"] == "none" and r["cache_state"] == "proven", r
            assert 0 < int(r["lower_ns"]) <= int(r["median_ns"]) <= int(r["upper_ns"]), r
            assert float(r["interval_level"]) >= 0.95
            twin, = [i for i in inner if all(i[c] == r[c] for c in (
                "format", "options", "workload", "workload_options", "cache", "handle"))]
            assert twin["verification"] == "verified"
            assert all(twin[c] == r[c] for c in ("layout", "chunk", "filters", "file_bytes"))
            # Starting a process is part of one and not of the other.
            assert int(r["minimum_ns"]) > 100_000
        blocks = {(i["block"], i["cell_id"]) for i in iterations}
        assert len(blocks) == len({b for b, _ in blocks}), "blocks are numbered over both clocks"
    with tap.case("null has no file to read: not applicable, with the reason"):
        null = [r for r in process if r["format"] == "null"]
        assert null and all(r["status"] == "not-applicable" and r["reason"] for r in null)
    with tap.case("each clock has its own fastest, and the table its own part for each"):
        for clock in (inner, process):
            best = {}
            for r in clock:
                if r["status"] == "ok" and r["role"] == "contender":
                    best.setdefault((r["workload"], r["cache"], r["handle"]), []).append(
                        float(r["times_fastest"]))
            assert all(min(found) == 1 for found in best.values()), best
        for name in ("slicing", "full-load"):
            part = result.stdout.split(f"{name}: ", 1)[1].split("\n\n\n")[0]
            above, below = part.split("whole processes, timed by hyperfine")[:2]
            assert "verified" in above and "no check" in below.split("not applicable")[0]
            assert "verified" not in below.split("not applicable")[0]
    with tap.case("pictures show the worker's clock alone"):
        drawn = rows(os.path.join(folder, "plots"), "workload-slicing.csv")
        assert len(drawn) == len([r for r in inner
                                  if r["workload"] == "slicing" and r["status"] == "ok"])
    with tap.case("nothing of it stays in the run folder"):
        assert sorted(os.listdir(folder)) == ["blocks.csv", "environment.json", "iterations.csv", "plan.csv",
                                              "plots", "results.csv"]
    with tap.case("show prints the same table again"):
        assert tap.run("show", folder).stdout.split("\n\n")[0] == result.stdout.split("\n\n")[0]

    with tap.case("an external worker's cells are not applicable"):
        _, inner, process = measure(os.path.join(tmp, "npy"), "--worker", f"{sys.executable} {NPY}",
                                    "-f", "npy", "-w", "slicing", "--cache", "warm")
        assert inner[0]["status"] == "ok" and process[0]["status"] == "not-applicable"
        assert "external worker" in process[0]["reason"]

    with tap.case("without hyperfine nothing is begun, and it is said what to install"):
        empty = os.path.join(tmp, "empty")
        os.makedirs(empty)
        os.symlink("/bin/sh", os.path.join(empty, "sh"))
        folder = os.path.join(tmp, "without")
        result = tap.run("run", SMALL, "-o", folder, "--whole-process", code=1,
                         env={**os.environ, "PATH": empty})
        assert "apt-get install hyperfine" in result.stderr and not os.path.exists(folder)
        result = tap.run("run", SMALL, "-o", folder, "--whole-process", code=1,
                         env={**os.environ, **fake(os.path.join(tmp, "mute"), "exit 0\n")})
        assert "apt-get install hyperfine" in result.stderr and not os.path.exists(folder)

    with tap.case("a hyperfine that fails marks the row with its last words"):
        for name, script, words in (
                ("fails", "echo 'Error: no luck' >&2; exit 3\n", "no luck"),
                ("says", "echo 'fmtbench: the reason' >&2; echo 'Error: code 1' >&2; exit 1\n",
                 "the reason"),
                ("silent", "exit 0\n", "hyperfine.json"),
                ("hostile", EXPORT + 'echo \'{"results":[{"times":[-1]}]}\' >"$out"\n', "export"),
                ("killed", "kill -9 $$\n", "signal 9")):
            folder = os.path.join(tmp, name)
            result, inner, process = measure(folder, *ONE, code=1,
                                             env=fake(os.path.join(tmp, "f-" + name), VERSION + script))
            assert inner[0]["status"] == "ok" and process[0]["status"] == "failed", process
            assert words in process[0]["reason"] and process[0]["median_ns"] == "", process
            assert "worker" not in process[0]["reason"] and words in result.stdout
            assert len({i["cell_id"] for i in rows(folder, "iterations.csv")}) == 1

    with tap.case("an old hyperfine is used with its shell, a new one without"):
        log = os.path.join(tmp, "log")
        for version, bare in (("1.12.0", False), ("1.13.0", True), ("1.15.0", True)):
            script = (f'[ "$1" = --version ] && {{ echo hyperfine {version}; exit; }}\n'
                      f'for word; do printf "%s\\n" "$word"; done >{log}\nexit 1\n')
            measure(os.path.join(tmp, "v" + version), *ONE, code=1,
                    env=fake(os.path.join(tmp, "f" + version), script))
            with open(log) as file:
                words = file.read().split("\n")
            assert ("--shell=none" in words) == bare, words
            assert "--warmup=1" in words and "--style=none" in words
            assert int([w for w in words if w.startswith("--runs=")][0][7:]) >= 10
            assert "--warm" in words[words.index("--prepare") + 1]

    with tap.case("a command that fails under hyperfine fails its row with the command's reason"):
        # The plan is taken away between the worker's reads and hyperfine's.
        real = shutil.which("hyperfine")
        script = VERSION + f'rm -f "{tmp}"/gone/files/plan-*\nexec {real} "$@"\n'
        _, inner, process = measure(os.path.join(tmp, "gone"), *ONE, code=1,
                                    env=fake(os.path.join(tmp, "f-gone"), script))
        assert process[0]["status"] == "failed" and "plan-" in process[0]["reason"], process

    with tap.case("Ctrl-C while hyperfine runs keeps what was measured"):
        started = os.path.join(tmp, "started")
        env = fake(os.path.join(tmp, "f-slow"), VERSION + f"echo >{started}\nsleep 100\n")
        folder = os.path.join(tmp, "slow")
        process = subprocess.Popen([tap.FMTBENCH, "run", SMALL, "-o", folder, "--no-plots", "--blocks",
                                    "1", "--whole-process", *ONE], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True,
                                   env={**os.environ, **env})
        for _ in range(600):
            if os.path.exists(started):
                break
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1 and "interrupted" in errors, errors
        table = {r["clock"]: r for r in rows(folder)}
        assert table["inner"]["status"] == "ok" and table["process"]["status"] == "not-run", table
tap.done()
