"""numpy and h5py agree: a worker that reads the dataset's own HDF5 file with them, and computes means
as numpy does, is verified bit for bit."""
import csv
import json
import os
import struct
import sys
import time

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))


def answer(file, row):
    """What the row of a plan must deliver."""
    if row["op"] == "catalog":
        lines = []
        file.visititems(lambda name, item: lines.append(
            f"{name}\t{item.dtype}\t{'x'.join(map(str, item.shape))}\n")
            if isinstance(item, h5py.Dataset) and name != "sample_names" else None)
        return "".join(lines).encode()
    start, count = ([int(n) for n in row[key].split()] for key in ("start", "count"))
    if row["op"] == "mean":
        array = file[row["array"]][()]
        assert start == [0] * array.ndim and tuple(count) == array.shape
        # The plain words: of rows wider than one number numpy adds row after row. (+ 0.0 since its
        # versions differ in what nothing but -0.0 sums up to.)
        if array.ndim == 2 and array.shape[1] > 1:
            return ((array.astype("f8").sum(axis=0) + 0.0) / len(array)).tobytes()
        total = 0.0
        for row in array:
            total = total + row.astype("f8")
        return np.asarray(total / len(array), "f8").tobytes()
    if len(start) == 3 and count[1] == 1:
        return file[row["array"]][:, start[1], :].tobytes()
    return file[row["array"]][tuple(slice(s, s + c) for s, c in zip(start, count))].tobytes()


def worker():
    def say(**message):
        print(json.dumps(message), flush=True)
    say(protocol=1, program="run_numpy.py 1", deliver=["bytes"],
        formats=[{"name": "h5py", "suffix": "", "flags": [], "create": True}])
    job = json.loads(sys.stdin.readline())
    with open(job["plan"], newline="") as file:
        plan = list(csv.DictReader(file))
    say(ready=True)
    message = json.loads(sys.stdin.readline())
    if job["job"] == "create":
        # The arrays are in a file already: what comes is taken in and dropped.
        with open(4, "rb") as incoming, open(job["file"], "wb") as out:
            for _ in plan:
                incoming.read(struct.unpack("<Q", incoming.read(8))[0])
            out.write(b"see OWN_FILE")
        return say(created=True, ns=1, cpu_ns=1)
    with open(3, "wb") as out:
        while message["go"]:
            for _ in range(message["iterations"]):
                t0 = time.monotonic_ns()
                with h5py.File(os.environ["OWN_FILE"], "r") as file:
                    answers = [answer(file, row) for row in plan]
                ns = time.monotonic_ns() - t0
                for data in answers:
                    out.write(struct.pack("<Q", len(data)) + data)
                out.flush()
                say(ns=ns)
            message = json.loads(sys.stdin.readline())
    say(done=True)


if sys.argv[1:] == ["worker"]:
    sys.exit(worker())

import tap  # noqa: E402


def measure(tmp, name, path, *workloads):
    folder = os.path.join(tmp, name)
    tap.run("run", path, "-o", folder, "--worker", f"{sys.executable} {os.path.abspath(__file__)} worker",
            "-f", "h5py", "--cache", "warm", "--handle", "once", "--blocks", 1, "--no-plots",
            *(word for workload in workloads for word in ("-w", workload)),
            env=dict(os.environ, OWN_FILE=path))
    with open(os.path.join(folder, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))


with tap.scratch() as tmp:
    own = os.path.join(tmp, "own.h5")
    tap.run("gen", "-o", own, "-f", "hdf5-chunked", "--samples", 3, "--frames", "150:400")
    with tap.case("of a NoXiRe file numpy computes the same means and h5py reads the same columns"):
        table = measure(tmp, "noxire", own, "column", "feature", "batch-stats", "metadata", "open")
        assert [r["requests"] for r in table] == ["3", "6", "6", "1", "1"], table
        assert all((r["status"], r["verification"]) ==
                   ("ok", "none" if r["workload"] == "open" else "verified") for r in table), table
    with tap.case("and of arrays of every number type, with values that rounding and order tell apart"):
        path = os.path.join(tmp, "types.h5")
        rng = np.random.default_rng(1)
        with h5py.File(path, "w") as file:
            for dtype in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">f4"):
                info = np.iinfo(dtype) if dtype[-2] != "f" else None
                file[dtype] = (rng.integers(info.min, info.max, (301, 7), dtype[-2:], endpoint=True)
                               if info else rng.standard_normal((301, 7))).astype(dtype)
            for dtype in ("f2", "f4", "f8"):
                file[dtype] = rng.standard_normal((1001, 5)).astype(dtype)
            file["wide"] = 10.0 ** rng.uniform(-200, 200, (333, 18))
            file["signed zeros"] = np.array([[-0.0, 1.5], [-0.0, -1.5]]).repeat(3, axis=1)
            file["line"] = 10.0 ** rng.uniform(-8, 8, 999)
            file["narrow"] = 10.0 ** rng.uniform(-8, 8, (999, 1))
            file["cube"] = rng.standard_normal((50, 4, 3)).astype("f4")
        table = measure(tmp, "types", path, "batch-stats")
        assert table[0]["requests"] == "18"
        assert table[0]["status"] == "ok", table[0]["reason"]
    with tap.case("and `fmtbench read` gives the column that h5py gives"):
        out = os.path.join(tmp, "face.npy")
        tap.run("read", own, "sample_001/expert/face", "-o", out)
        with h5py.File(own) as file:
            want = file["sample_001/expert/face"][:, 30, :]
        assert np.load(out)[:, 30, :].tobytes() == want.tobytes()
tap.done()
