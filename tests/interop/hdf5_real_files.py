#!/usr/bin/python3
"""Real HDF5 files of many programs: fmtbench lists and delivers what h5py does (tests/data)."""
import hashlib
import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import tap

EACH = 10  # arrays of a file that are read one by one, spread over all of them


def check_list(path, expected):
    out = tap.run("info", path).stdout
    rows = {line.split()[0]: line.split() for line in out.split("\narray ")[-1].splitlines()[1:]
            if line and not line.startswith("skipped ")}
    skipped = dict(line[len("skipped "):].strip().split(": ", 1) for line in out.splitlines()
                   if line.startswith("skipped "))
    assert set(rows) == {a["path"] for a in expected["arrays"]}, set(rows)
    for array in expected["arrays"]:
        shape = "x".join(map(str, array["shape"])) or "scalar"
        assert rows[array["path"]][1:3] == [array["dtype"], shape], (rows[array["path"]], array)
    assert set(skipped) == {s["path"] for s in expected["skipped"]}, skipped
    for skip in expected["skipped"]:
        assert skip["reason"] in skipped[skip["path"]], (skip, skipped[skip["path"]])


def check_arrays(path, expected, folder):
    out = os.path.join(folder, "x.npy")
    arrays = expected["arrays"]
    for array in arrays[::-(-len(arrays) // EACH) or 1]:
        tap.run("read", path, array["path"], "-o", out)
        data = np.load(out)
        assert list(data.shape) == array["shape"], array
        digest = hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()
        assert digest.startswith(array["hash"]), array


def check_all(path, expected, folder):
    """Every array: the raw file has a JSON index, and the arrays' bytes as they were delivered."""
    out = os.path.join(folder, "all.raw")
    tap.run("convert", path, "-f", "raw", "-o", out, code=0 if expected["arrays"] else None)
    if not expected["arrays"]:
        return
    with open(out, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[8:16], "little")
    index = json.loads(data[16:16 + length])
    assert {a["path"] for a in index["arrays"]} == {a["path"] for a in expected["arrays"]}
    start = (16 + length + 63) // 64 * 64
    wanted = {a["path"]: a for a in expected["arrays"]}
    for array in index["arrays"]:
        size = np.dtype(array["dtype"]).itemsize * int(np.prod(array["shape"], dtype=int))
        body = data[start + array["offset"]:start + array["offset"] + size]
        assert hashlib.sha256(body).hexdigest().startswith(wanted[array["path"]]["hash"]), array


def main():
    with open(os.path.join(HERE, "../data/hdf5_expected.json")) as file:
        expected = json.load(file)
    for name in sorted(expected) if tap.SHARED else []:
        path = os.path.join(tap.SHARED, "hdf5", name)
        with tap.case(f"{name}: lists the arrays that h5py sees, skips the rest with the reason"):
            check_list(path, expected[name])
        with tap.case(f"{name}: delivers the bytes that h5py reads"), tap.scratch() as folder:
            check_all(path, expected[name], folder)
            check_arrays(path, expected[name], folder)
    tap.done()


if __name__ == "__main__":
    main()
