"""Any HDF5 file through `fmtbench run`: real ones of many kinds, h5py's own layout, and hostile ones."""
import csv
import os
import sys
import zlib

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap


def rows(folder):
    with open(os.path.join(folder, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))


def by_workload(table):
    return {(r["format"], r["workload"]): r for r in table}


with tap.scratch() as tmp:
    folder_number = 0

    def measure(source, *args, code=0):
        global folder_number
        folder_number += 1
        folder = os.path.join(tmp, f"run-{folder_number}")
        result = tap.run("run", source, "-o", folder, "--blocks", 1, "--cache", "warm", "--handle",
                         "once", "--no-plots", *args, code=code)
        return result, rows(folder) if os.path.exists(folder) else []

    real = os.path.join(tap.SHARED, "hdf5") if tap.SHARED else None
    for name in sorted(os.listdir(real)) if real else []:
        with tap.case(f"{name} runs as it is and converted, repeatable and verified"):
            arrays = tap.run("info", os.path.join(real, name)).stdout
            result, table = measure(os.path.join(real, name), "-f", "as-is", "-f", "raw", "-f",
                                    "hdf5-chunked", "-f", "msgpack",
                                    code=4 if name.startswith("h5py__h5py__vlen") else 0)
            for r in table:
                assert r["status"] in ("ok", "not-applicable"), r
                if r["status"] == "ok":
                    assert r["verification"] == ("repeatable" if r["format"] == "as-is"
                                                 else "verified"), r
            if not table:
                assert "no arrays" in result.stderr and "variable-length" in arrays

    with tap.case("a file that h5py wrote in the NoXiRe layout runs with gzip 4"):
        path = os.path.join(tmp, "noxire.h5")
        rng = np.random.default_rng(1)
        with h5py.File(path, "w") as file:
            file.attrs["num_samples"] = 3
            file.attrs["description"] = "OpenFace features"
            file.create_dataset("sample_names", data=[f"00{i}.1" for i in range(3)],
                                dtype=h5py.string_dtype())
            for i in range(3):
                group = file.create_group(f"sample_{i:03d}")
                group.attrs["sample_name"] = f"00{i}.1"
                for person in ("expert", "novice"):
                    frames = 200 + 10 * i
                    group.attrs[f"num_frames_{person}"] = frames
                    for feature, shape in (("face", (frames, 68, 2)), ("aus", (frames, 17)),
                                           ("head", (frames, 6))):
                        group.create_dataset(f"{person}/{feature}", compression="gzip",
                                             compression_opts=4,
                                             data=rng.random(shape).round(4).astype("f4"))
        _, table = measure(path, "-f", "as-is", "-f", "raw")
        found = by_workload(table)
        assert found["as-is", "slicing"]["filters"] == "gzip(4)"
        assert found["as-is", "random-access"]["requests"] == "3"
        assert all(r["status"] == "ok" for r in table)
    with tap.case("with a manifest as-is is verified, without one repeatable"):
        copy = os.path.join(tmp, "own.h5")
        tap.run("convert", path, "-f", "hdf5-chunked", "-o", copy)
        _, table = measure(copy, "-f", "as-is")
        assert all(r["verification"] == "verified" for r in table)
        _, table = measure(path, "-f", "as-is")
        assert all(r["verification"] == "repeatable" for r in table)

    with tap.case("--max-bytes takes whole arrays, says which were left out, and as-is still fits"):
        result, table = measure(path, "-f", "as-is", "-f", "raw", "--max-bytes", "500kB", "-w",
                                "all")
        assert "taking" in result.stderr and "left out" in result.stderr
        assert all(r["status"] == "ok" or r["workload"] == "epoch" for r in table), table
        assert all(int(r["dataset_bytes"]) <= 500000 for r in table)
        assert all((r["file_bytes"] == "") == (r["format"] == "as-is") for r in table), (
            "the size of a file of which a part was taken compares with nothing")
        measure(path, "-f", "as-is", "--max-bytes", "10B", code=4)

    with tap.case("a file that declares terabytes fills neither memory nor disk"):
        huge = os.path.join(tmp, "huge.h5")
        with h5py.File(huge, "w") as file:
            file.create_dataset("tera", shape=(10 ** 12, 3), chunks=(1000, 3), dtype="f8")
            file["small"] = np.arange(100.0)
        tap.run("info", huge)
        for command in (["convert", huge, "-f", "hdf5-chunked"], ["convert", huge, "-f", "raw"],
                        ["read", huge, "tera"]):
            result = tap.run(*command, "-o", os.path.join(tmp, "tera.npy"), code=1, timeout=30)
            assert "free" in result.stderr, result.stderr
        result, table = measure(huge, "-f", "as-is", "-f", "raw", "-w", "full-load", "-w",
                                "metadata", "-w", "batch-stats", "-w", "open")
        assert "tera" in result.stderr and all(r["status"] == "ok" for r in table)
        assert all(int(r["dataset_bytes"]) == 800 for r in table)
    with tap.case("a few megabytes that unfold to gigabytes end at the memory limit, as a row"):
        bomb = os.path.join(tmp, "bomb.h5")
        compressor = zlib.compressobj(9)
        data = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(2000))
        data += compressor.flush()
        with h5py.File(bomb, "w") as file:
            dataset = file.create_dataset("bomb", shape=(1000, 10), chunks=(1000, 10), dtype="f4",
                                          compression="gzip")
            dataset.id.write_direct_chunk((0, 0), data)
            file["small"] = np.arange(100.0)
        assert os.path.getsize(bomb) < 4 << 20
        result, table = measure(bomb, "-f", "as-is", "--memory-limit", "200MB", code=None)
        assert result.returncode == 1, result.stderr
        tap.run("--memory-limit", "200MB", "read", bomb, "bomb", code=1)
    with tap.case("arrays of every rank, empty ones and odd types are measured"):
        odd = os.path.join(tmp, "odd.h5")
        with h5py.File(odd, "w") as file:
            file["scalar"] = 3.5
            file["empty"] = np.zeros((0, 4), "i2")
            file["zero"] = np.zeros((5, 0), "i2")
            file["big-endian"] = np.arange(50, dtype=">i4")
            file["half"] = np.arange(50, dtype="f2")
            file["bool"] = np.arange(50) % 3 == 0
            file["compound"] = np.zeros(9, [("a", "i1"), ("b", "f8")])
            file["deep"] = np.arange(2 ** 8).reshape([2] * 8)
            file["wide"] = np.arange(120.0).reshape(3, 40)
            file["not a number"] = np.full((4, 2), np.nan)
            file["tab\tand\nline, \"quoted\""] = np.arange(3)
            file["text"] = "of any length"
            file.create_dataset("never written", shape=(7, 33), chunks=(2, 2), fillvalue=1.5)
        _, table = measure(odd, "-f", "as-is", "-f", "raw", "-f", "hdf5-contiguous", "-f",
                           "hdf5-chunked", "-f", "msgpack", "-f", "h5py-as-is", "-f", "h5py", "-w", "all")
        epoch = [r for r in table if r["workload"] == "epoch" and "py" not in r["format"]]
        assert len(epoch) == 5 and all("cannot be stacked" in r["reason"] for r in epoch), epoch
        table = [r for r in table if r["workload"] != "epoch"]
        assert len(table) == 77
        assert all(r["status"] == "ok" for r in table), [r for r in table if r["status"] != "ok"]
        verified = {r["verification"] for r in table
                    if not r["format"].endswith("as-is") and r["workload"] != "open"}
        assert verified == {"verified"}, verified
tap.done()
