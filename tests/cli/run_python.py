"""Formats that Python reads, pickle and h5py: beside the native ones, under the same checks."""
import csv
import json
import os
import pickle
import subprocess
import sys

import h5py

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

BASE = ["--blocks", "1", "--no-plots"]


def rows(folder):
    with open(os.path.join(folder, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))


def flip(path, at):
    """One bit of the byte `at`, which is negative to count from the end."""
    with open(path, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


class Touch:
    """Pickled, it asks for a command to be run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


with tap.scratch() as tmp:
    number = 0

    def measure(*args, code=0, env=None):
        global number
        number += 1
        folder = os.path.join(tmp, f"run-{number}")
        result = tap.run("run", *args, "-o", folder, *BASE, code=code,
                         env={**os.environ, **(env or {})})
        return result, folder

    ask = [word for name in ("pickle", "pickle-again", "h5py", "h5py-contiguous", "hdf5-chunked",
                             "hdf5-contiguous")
           for word in ("-f", name)]
    with tap.case("the core program is linked with no Python"):
        linked = subprocess.run(["ldd", tap.FMTBENCH], stdout=subprocess.PIPE, text=True).stdout
        assert "libc" in linked and "python" not in linked.lower(), linked
    with tap.case("list shows them, on request and by Python"):
        lines = [line.split() for line in tap.run("list").stdout.splitlines()]
        for name in ("pickle", "pickle-again", "h5py", "h5py-contiguous", "h5py-as-is"):
            line, = (line for line in lines if line[:1] == [name])
            assert "Python]" in line, line
    with tap.case("verified in every workload, cache state and handle policy"):
        _, kept = measure("synth:samples=3,frames=100:300", *ask, "-w", "all", "--keep-files")
        table = [row for row in rows(kept) if row["workload"] != "epoch"]
        formats = {row["format"] for row in table}
        assert formats == {"pickle", "pickle-again", "h5py", "h5py-contiguous", "hdf5-chunked",
                           "hdf5-contiguous"}
        for row in rows(kept):
            if row["workload"] == "epoch" and row["format"].startswith(("pickle", "h5py")):
                assert row["status"] == "not-applicable" and "loader" in row["reason"], row
        for row in table:
            whole = row["format"].startswith("pickle") and row["handle"] != "once"
            assert row["status"] == ("not-applicable" if whole else "ok"), row
            if not whole:
                assert row["verification"] == ("none" if row["workload"] == "open" else "verified")
                assert row["cache_state"] == "proven" and int(row["peak_bytes"]) > 1000000
    with tap.case("h5py reads the very file of the native format; so much the same is stored"):
        for name, native in (("h5py", "hdf5-chunked"), ("h5py-contiguous", "hdf5-contiguous")):
            mine, theirs = ([row for row in table if row["format"] == f and row["cache"] == "warm" and
                             row["workload"] == "full-load"][0] for f in (name, native))
            for fact in ("file_bytes", "write_ns", "layout", "chunk", "filters", "stored_bytes",
                         "chunk_cache_bytes", "options"):
                assert mine[fact] == theirs[fact] and (mine[fact] or fact == "filters" or
                                                       native == "hdf5-contiguous"), fact
        assert len([f for f in os.listdir(os.path.join(kept, "files"))
                    if not f.endswith(".json")]) == 3
    with tap.case("its counters are those of the reads"):
        with open(os.path.join(kept, "blocks.csv"), newline="") as file:
            blocks = {row["cell_id"]: row for row in csv.DictReader(file)}
        for row in table:
            if row["format"] == "pickle" and row["workload"] == "full-load":
                block = blocks[row["cell_id"]]
                size, counted = int(row["file_bytes"]), int(block["counted"])
                assert size <= int(block["read_bytes"]) / counted <= size + 4096, block
                assert int(block["user_ns"]) + int(block["system_ns"]) > 0
    with tap.case("the record names the versions of Python, numpy and h5py"):
        with open(os.path.join(kept, "environment.json")) as file:
            libraries = json.load(file)["libraries"]
        for name in ("python", "numpy", "h5py", "h5py-hdf5"):
            assert libraries[name].split(".")[0].isdigit(), libraries
    with tap.case("options go to both: level and chunks of h5py are those of the shared file"):
        _, folder = measure("synth:samples=2,frames=60:90", "-f", "h5py:level=1,chunk=10x68x2,shuffle=1",
                            "-f", "pickle:dtype=f32,protocol=5", "-w", "scan", "--cache", "warm")
        row = rows(folder)[0]
        assert (row["chunk"], row["filters"]) == ("10x17", "shuffle+gzip(1)"), row
        assert all(row["verification"] == "verified" for row in rows(folder))
    with tap.case("the user's own file, as it is, and without a manifest"):
        own = os.path.join(kept, "files", "02-hdf5-chunked.h5")
        _, folder = measure(own, "-f", "h5py-as-is", "-f", "as-is", "-w", "all", "--cache", "warm")
        assert all(row["status"] == "ok" or row["workload"] == "epoch" for row in rows(folder))
        assert {row["format"] for row in rows(folder)} == {"h5py-as-is", "as-is"}

    with tap.case("without -f they take no part, and need no Python"):
        _, folder = measure("synth:samples=1,frames=50:60", "-w", "metadata", "--cache", "warm",
                            env={"PYTHON": "/nonexistent"})
        assert not any(row["format"].startswith(("pickle", "h5py")) for row in rows(folder))
    with tap.case("no Python, or one without a module: a clear word and exit code 1"):
        for asked, what in (("pickle", "numpy"), ("h5py", "numpy, h5py")):
            result, folder = measure("synth:samples=1,frames=50:60", "-f", asked, code=1,
                                     env={"PYTHON": "/nonexistent"})
            assert f"format {asked} needs a Python 3 with {what}" in result.stderr, result.stderr
            assert "PYTHON" in result.stderr and not os.path.exists(folder)
        target = os.path.join(tmp, "none.pkl")
        result = tap.run("convert", "synth:samples=1", "-f", "pickle", "-o", target, code=1,
                         env={**os.environ, "PYTHON": "/nonexistent"})
        assert "python3-numpy" in result.stderr
        assert not [f for f in os.listdir(tmp) if f.startswith("none.pkl")]
    with tap.case("words that they do not know are usage errors"):
        for spec in ("pickle:protocol=1", "pickle:protocol=6", "h5py:level=10", "h5py-as-is:x=1"):
            result, folder = measure("-f", spec, code=2)
            assert spec.split(":")[1].split("=")[0] in result.stderr and not os.path.exists(folder)
    with tap.case("a path with blanks, quotes and other letters"):
        place = os.path.join(tmp, "a b'c ü")
        os.mkdir(place)
        target = os.path.join(place, "x y.pkl")
        tap.run("convert", "synth:samples=2,frames=50:60", "-f", "pickle", "-o", target)
        with open(target, "rb") as file:
            assert len(pickle.load(file)) == 2
        _, folder = measure("--files", place, "-w", "full-load", "--cache", "warm")
        assert [row["status"] for row in rows(folder)] == ["ok"]
    with tap.case("an old file stays when the new one cannot be written"):
        before = os.path.getsize(target)
        result = tap.run("convert", "synth:samples=2,frames=50:60", "-f", "pickle", "-o", target,
                         code=1, env={**os.environ, "PYTHON": "/nonexistent"})
        assert os.path.getsize(target) == before and sorted(os.listdir(place)) == [
            "x y.pkl", "x y.pkl.manifest.json"]

    with tap.case("a byte flipped in the pickle is found by what reads it"):
        files = os.path.join(kept, "files")
        # The last array is sample_002/novice/head; its data end before the last opcodes.
        flip(os.path.join(files, "01-pickle.pkl"), -40)
        _, folder = measure("--files", files, "-f", "pickle", "-w", "full-load", "-w", "metadata",
                            "--cache", "warm", code=1)
        assert {row["workload"]: row["status"] for row in rows(folder)} == {
            "full-load": "wrong-data", "metadata": "ok"}, rows(folder)
    with tap.case("and so is one in an HDF5 file, gzip's or another, by h5py as well"):
        for name in ("02-hdf5-chunked.h5", "03-hdf5-contiguous.h5"):
            with h5py.File(os.path.join(files, name), "r") as file:
                face = file["sample_001/expert/face"].id
                at = face.get_chunk_info(0).byte_offset if "chunked" in name else face.get_offset()
            flip(os.path.join(files, name), at + 100)
        _, folder = measure("--files", files, "-f", "h5py", "-f", "h5py-contiguous", "-w",
                            "full-load", "-w", "metadata", "--cache", "warm", code=1)
        for row in rows(folder):
            if row["workload"] == "full-load":
                assert row["status"] in ("wrong-data", "failed") and row["reason"], row
    with tap.case("a pickle that asks for more than arrays fails its row, by name, and is not run"):
        trap = os.path.join(tmp, "trap")
        with open(os.path.join(files, "01-pickle.pkl"), "wb") as file:
            pickle.dump(Touch(trap), file)
        _, folder = measure("--files", files, "-f", "pickle", "-w", "full-load", "--cache", "warm",
                            code=1)
        row, = rows(folder)
        assert row["status"] == "failed" and "posix.system" in row["reason"], row
        assert "01-pickle.pkl" in row["reason"] and not os.path.exists(trap)
    with tap.case("so does one that is cut off"):
        with open(os.path.join(files, "01-pickle.pkl"), "wb") as file:
            file.write(pickle.dumps([1, 2, 3])[:-4])
        _, folder = measure("--files", files, "-f", "pickle", "-w", "full-load", "--cache", "warm",
                            code=1)
        row, = rows(folder)
        assert row["status"] == "failed" and "01-pickle.pkl" in row["reason"], row
tap.done()
