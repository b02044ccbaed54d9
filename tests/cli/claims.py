"""`fmtbench claims` without Python, which is the quickest it gets: errors, Ctrl-C, what is written.
Claims that need pickle or h5py are then not measured; tests/interop/claims.py measures them."""
import csv
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import claims_check
import tap

SMALL = "synth:samples=3,frames=60:90"
NO_PYTHON = dict(os.environ, PYTHON="/nonexistent/python")
CLAIMS = ["size", "gzip-4", "cpu", "pickle-load", "hdf5-direct", "random-access", "load-once",
          "slicing", "memory", "metadata", "workers", "keep-open", "slices", "shapes", "feature"]


def claims(*args, **kwargs):
    return tap.run("claims", *args, env=NO_PYTHON, **kwargs)


def read(folder):
    with open(os.path.join(folder, "claims.csv"), newline="") as file:
        return list(csv.DictReader(file))


def write(folder, table):
    with open(os.path.join(folder, "claims.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def interrupt(folder, when):
    """Starts the claims, sends SIGINT once `when` exists; returns exit code and stderr."""
    process = subprocess.Popen([tap.FMTBENCH, "claims", SMALL, "--quick", "--no-plots", "-o", folder],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env=NO_PYTHON, start_new_session=True)
    end = time.time() + 200
    while not os.path.exists(os.path.join(folder, when)) and time.time() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=200)
    return process.returncode, stderr


with tap.scratch() as tmp:
    with tap.case("a SOURCE that cannot be read is an error, and leaves no folder"):
        for source in (os.path.join(tmp, "missing.h5"), "synth:samples=nine", tmp):
            result = claims(source, "-o", os.path.join(tmp, "bad"), code=None)
            assert result.returncode in (1, 2) and source.split(":")[-1][-8:] in result.stderr
            assert not os.path.exists(os.path.join(tmp, "bad"))
    with tap.case("a folder that holds claims, a run or an explanation is refused"):
        for name in ("claims.csv", "results.csv", "anatomy.csv"):
            folder = os.path.join(tmp, "taken-" + name)
            os.mkdir(folder)
            with open(os.path.join(folder, name), "w") as file:
                file.write("mine\n")
            result = claims(SMALL, "-o", folder, code=2)
            assert "already" in result.stderr, result.stderr
            assert os.listdir(folder) == [name]
    with tap.case("and `run` refuses a folder that holds claims"):
        result = tap.run("run", SMALL, "-o", os.path.join(tmp, "taken-claims.csv"), code=2)
        assert "claims already" in result.stderr, result.stderr
    with tap.case("wrong words are usage errors"):
        for words in (["--seed", "x"], ["--max-bytes", "many"], ["--blocks", "0"], ["--wrong"], [SMALL, SMALL]):
            claims(*words, "-o", os.path.join(tmp, "usage"), code=2)
        assert not os.path.exists(os.path.join(tmp, "usage"))

    full = os.path.join(tmp, "full")
    with tap.case("without Python the others are measured, and what is missing is told"):
        result = claims(SMALL, "--quick", "-o", full)
        assert result.stderr.count("Python") + result.stderr.count("python") >= 1, result.stderr
        verdicts = {r["claim"]: r for r in read(full) if r["row"] == "verdict"}
        assert list(verdicts) == CLAIMS
        for claim in CLAIMS:
            measured = verdicts[claim]["verdict"] != "not measured"
            assert measured == (claim in ("gzip-4", "workers")), verdicts[claim]
        assert "ython" in verdicts["slicing"]["why"], verdicts["slicing"]
        figures = {(r["claim"], r["figure"]): r for r in read(full) if r["row"] == "figure"}
        assert float(figures["size", "saved by float32 alone"]["value"]) > 0.3
        assert float(figures["keep-open", "as fast in C, warm"]["value"]) > 0
    with tap.case("every figure and verdict follows from the runs' CSV files"):
        wrong, verdicts = claims_check.differences(full)
        assert not wrong, "\n".join(wrong)
        assert list(verdicts) == CLAIMS
    with tap.case("which would be noticed if it did not"):
        table = read(full)
        verdict = next(i for i, r in enumerate(table)
                       if r["claim"] == "gzip-4" and r["row"] == "verdict")
        figure = next(i for i, r in enumerate(table) if r["role"] == "softens" and r["value"])
        for row, key, value in ((verdict, "verdict", "not measured"), (figure, "value", "0.123"),
                                (figure, "holds", "maybe"), (figure, "upper", "0.999"),
                                (figure, "formula", table[figure + 1]["formula"])):
            changed = [dict(r) for r in table]
            changed[row][key] = value
            write(full, changed)
            assert claims_check.differences(full)[0], key
        write(full, table)
        assert not claims_check.differences(full)[0]
    with tap.case("the terminal shows every claim in 100 columns; `show` shows the same again"):
        lines = result.stdout.splitlines()
        assert all(len(line) <= 100 for line in lines if not line.startswith("/"))
        for claim in CLAIMS:
            assert any(line.startswith(claim + " ") for line in lines), claim
        again = tap.run("show", full).stdout.splitlines()
        assert again == lines[:len(again)] and len(again) > 2 * len(CLAIMS)
    with tap.case("claims.md has the words, the rules and the verdicts of claims.csv"):
        with open(os.path.join(full, "claims.md")) as file:
            page = file.read()
        for row in read(full):
            if row["row"] == "verdict":
                assert f"## `{row['claim']}`: {row['verdict']}" in page
                assert f"| `{row['claim']}` | " in page
        assert "> HDF5 with compression is typically 40-60 % smaller than pickle" in page
        assert page.count("\nRule: ") == len(CLAIMS) and "dtype=f64" in page
    with tap.case("pictures are drawn, and again by `plot`"):
        names = {"claims", "claims-gzip"}
        drawn = {os.path.splitext(n)[0] for n in os.listdir(os.path.join(full, "plots"))}
        assert names <= drawn and "claims-access" not in drawn  # which has pickle's sizes
        for name in names:
            os.remove(os.path.join(full, "plots", name + ".png"))
        tap.run("plot", full)
        for name in names:
            assert os.path.getsize(os.path.join(full, "plots", name + ".png")) > 5000, name
    with tap.case("the runs are kept as evidence, their files are not"):
        assert {"sizes", "levels-1", "levels-6", "whole", "parts", "habits", "handles", "growth-1",
                "workers"} <= set(os.listdir(full))
        for path, _, files in os.walk(full):
            assert not [f for f in files if f.endswith((".h5", ".pkl", ".raw"))], path
    with tap.case("datasets grow within what there is"):
        with open(os.path.join(full, "growth-1", "results.csv"), newline="") as file:
            small = {r["dataset_bytes"] for r in csv.DictReader(file)}
        with open(os.path.join(full, "growth-2", "results.csv"), newline="") as file:
            large = {r["dataset_bytes"] for r in csv.DictReader(file)}
        assert max(map(int, small)) < max(map(int, large))
        assert not os.path.exists(os.path.join(full, "growth-3"))

    with tap.case("Ctrl-C keeps what was measured and says so"):
        folder = os.path.join(tmp, "stopped")
        code, stderr = interrupt(folder, "levels-2")
        assert code == 1 and "interrupted" in stderr and folder in stderr, stderr
        wrong, verdicts = claims_check.differences(folder)
        assert not wrong and list(verdicts) == CLAIMS, wrong
        assert verdicts["keep-open"] == "not measured"
        assert not os.path.exists(os.path.join(folder, "handles"))
tap.done()
