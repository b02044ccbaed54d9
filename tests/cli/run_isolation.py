"""Whatever a worker does, it becomes a row; the others are measured, and the run ends with 1."""
import csv
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
WORKLOAD = ["-w", "slicing:window=20,n=3", "--cache", "warm", "--handle", "once", "--blocks", "2"]


def wrapper(folder, script):
    """An executable for a worker script, whatever interpreter runs the tests."""
    path = os.path.join(folder, os.path.basename(script) + ".sh")
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\nexec '{sys.executable}' '{os.path.join(HERE, '..', script)}'\n")
    os.chmod(path, 0o755)
    return path


def rows(folder, name="results.csv"):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


FAULTS = {
    "kill@go": "signal 9", "segv@go": "signal 11", "kill@ready": "signal 9",
    "exit@go": "the disk is on fire", "exit@ready": "code 3", "hang@go": "block timeout",
    "hang@ready": "block timeout", "hang@done": "block timeout", "garbage@go": "protocol",
    "garbage@ready": "protocol", "error@go": "record 7 is damaged", "memory@go": "memory limit",
    "chatter@go": "block timeout", "endless@go": "protocol", "short": "bytes instead of",
    "long": "bytes instead of", "huge": "bytes instead of", "twice": "protocol", "half": "protocol",
    "few": "protocol", "negative": "protocol", "lie": "wrong bytes",
}

with tap.scratch() as tmp:
    worker = wrapper(tmp, "workers/faulty.py")
    zeros = os.path.join(tmp, "zeros.h5")
    with h5py.File(zeros, "w") as file:
        for i in range(3):
            file[f"group_{i}/data"] = np.zeros((100 + i, 7), "f4")
    with tap.case("without a fault, the same worker is verified"):
        folder = os.path.join(tmp, "fine")
        tap.run("run", zeros, "-o", folder, "--worker", worker, "-f", "faulty", "--no-plots",
                *WORKLOAD, env={**os.environ, "FAULT": "none"})
        assert [r["verification"] for r in rows(folder)] == ["verified"]
    for fault, reason in FAULTS.items():
        with tap.case(f"a worker with the fault {fault} becomes a row; the rest is measured"):
            folder = os.path.join(tmp, fault)
            # Long enough for a busy machine where it is not the timeout itself that is waited for.
            patience = "2" if reason == "block timeout" else "40"
            result = tap.run("run", zeros, "-o", folder, "--worker", worker, "-f", "faulty", "-f",
                             "raw", "--block-timeout", patience, "--memory-limit", "300MB", "--no-plots",
                             *WORKLOAD, code=1, env={**os.environ, "FAULT": fault}, timeout=120)
            table = {r["format"]: r for r in rows(folder)}
            bad, good = table["faulty"], table["raw"]
            assert bad["status"] == ("wrong-data" if reason.startswith(("wrong", "bytes")) else
                                     "failed"), bad
            assert reason in bad["reason"], bad["reason"]
            assert bad["median_ns"] == "" and bad["verification"] == "not verified"
            assert good["status"] == "ok" and int(good["blocks"]) == 2
            assert bad["reason"][:40] in result.stdout
            ids = {i["cell_id"] for i in rows(folder, "iterations.csv")}
            assert ids == {good["cell_id"]}, "times of a failed row are withheld"

    for fault, reason in {"exit@hello": "code 3", "garbage@hello": "protocol",
                          "protocol": "protocol 99", "hang@hello": "block timeout"}.items():
        with tap.case(f"a worker that cannot say hello ({fault}) is an error before the run"):
            result = tap.run("run", zeros, "-o", os.path.join(tmp, "h" + fault), "--worker", worker,
                             "-f", "faulty", "--block-timeout", "2", *WORKLOAD, code=1,
                             env={**os.environ, "FAULT": fault})
            assert reason in result.stderr, result.stderr
    with tap.case("a worker that does not exist is an error"):
        result = tap.run("run", zeros, "-o", os.path.join(tmp, "no"), "--worker", "/no/such/program",
                         "-f", "faulty", *WORKLOAD, code=1)
        assert "No such file" in result.stderr

    with tap.case("Ctrl-C keeps all that was measured, valid, and says so"):
        folder = os.path.join(tmp, "interrupted")
        process = subprocess.Popen([tap.FMTBENCH, "run", zeros, "-o", folder, "--blocks", "100000",
                                    "-f", "raw", "-f", "hdf5-contiguous", "--no-plots"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
        time.sleep(6 if "valgrind" in tap.FMTBENCH else 3)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 1, (process.returncode, err)
        assert "interrupted" in err and folder in err
        table = rows(folder)
        assert any(r["status"] == "ok" and int(r["blocks"]) > 0 for r in table)
        assert all(r["status"] in ("ok", "not-run") for r in table)
        assert rows(folder, "iterations.csv")
        assert not os.path.exists(os.path.join(folder, "files"))
        tap.run("plot", folder, code=None)
tap.done()
