"""The protocol is real: a worker in Python takes part beside the native formats, verified."""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../workers/npy.py")


def rows(folder):
    with open(os.path.join(folder, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))


with tap.scratch() as tmp:
    worker = os.path.join(tmp, "npy.sh")
    with open(worker, "w") as file:
        file.write(f"#!/bin/sh\nexec '{sys.executable}' '{SCRIPT}'\n")
    os.chmod(worker, 0o755)
    with tap.case("the worker has fewer than 100 lines"):
        with open(SCRIPT) as file:
            assert sum(1 for _ in file) < 100
    with tap.case("all its rows are verified, in every workload, cache state and handle policy"):
        folder = os.path.join(tmp, "run")
        tap.run("run", "synth:samples=3,frames=100:300", "-o", folder, "--worker", worker, "-f", "npy",
                "-f", "raw", "-f", "hdf5-chunked", "-w", "all", "--blocks", "1", "--no-plots",
                "--keep-files")
        own = [r for r in rows(folder) if r["format"] == "npy"]
        epoch = [r for r in own if r["workload"] == "epoch"]
        own = [r for r in own if r["workload"] != "epoch"]
        assert len({r["workload"] for r in own}) == 11
        assert len(own) == 40 and all(r["status"] == "ok" for r in own), own
        assert all(r["verification"] == ("none" if r["workload"] == "open" else "verified") and
                   r["cache_state"] == "proven" for r in own)
        assert all(int(r["write_ns"]) > 0 and int(r["file_bytes"]) > 0 for r in own)
    with tap.case("a worker without a loader has no epoch, and its row says why"):
        assert len(epoch) == 6, epoch
        for r in epoch:
            assert r["status"] == "not-applicable" and "loader" in r["reason"], r
    with tap.case("a byte flipped in one of its files is found by the rows that read it, only"):
        files = os.path.join(folder, "files")
        npy = [f for f in os.listdir(files) if "npy" in f and not f.endswith(".json")][0]
        target = os.path.join(files, npy, "sample_001/novice/aus.npy")
        with open(target, "r+b") as file:
            file.seek(-5, os.SEEK_END)
            byte = file.read(1)
            file.seek(-5, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        folder = os.path.join(tmp, "flipped")
        tap.run("run", "--files", files, "-o", folder, "--worker", worker, "--blocks", "1",
                "-w", "all", "--no-plots", "--cache", "warm", code=1)
        for r in rows(folder):
            hit = r["format"] == "npy" and r["workload"] in ("full-load", "scan", "feature",
                                                                 "batch-stats")
            absent = r["format"] == "npy" and r["workload"] == "epoch"
            assert r["status"] == ("wrong-data" if hit else "not-applicable" if absent else "ok"), r
    with tap.case("the command may be a program and words for it"):
        folder = os.path.join(tmp, "words")
        tap.run("run", "synth:samples=1,frames=50:60", "-o", folder, "--worker",
                f"{sys.executable} {SCRIPT}", "-f", "npy", "-w", "scan", "--blocks", "1",
                "--no-plots")
        assert [r["status"] for r in rows(folder)] == ["ok", "ok"]
    with tap.case("its format is offered only with --worker"):
        result = tap.run("run", "-f", "npy", "-o", os.path.join(tmp, "none"), code=2)
        assert "no format 'npy'" in result.stderr
tap.done()
