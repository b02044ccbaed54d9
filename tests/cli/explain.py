"""`fmtbench explain` and `run --anatomy`: what they print and write, and how they refuse."""
import csv
import json
import os
import shutil
import sys
import tempfile

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

SMALL = "synth:samples=2,frames=150:300"
PARTS = ["open", "lookup", "metadata_io", "raw_io", "inflate", "unshuffle", "library",
         "unexplained"]


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def tree(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


with tap.scratch() as tmp:
    split, cached = f"{tmp}/split.h5", f"{tmp}/cached.h5"
    data = np.round(np.cumsum(np.random.default_rng(1).normal(0, .01, (3000, 68, 2)), axis=0), 2)
    with h5py.File(split, "w") as file:
        file.create_dataset("x", data=data.astype("f4"), chunks=(357, 17, 1), compression=4)
    with h5py.File(cached, "w") as file:
        file.create_dataset("x", data=np.arange(40 * 30000, dtype="f4").reshape(40, 30000),
                            chunks=(40, 30000), compression=1)

    with tap.case("a table, then sentences, in lines of at most 100 columns, and nothing written"):
        before = tree(tmp)
        r = tap.run("explain", split, cwd=tmp, env={**os.environ, "TMPDIR": tmp})
        assert tree(tmp) == before
        lines = r.stdout.splitlines()
        assert all(len(line) <= 100 for line in lines if "fmtbench convert" not in line), lines
        assert sum(line.startswith("> ") for line in lines) == 1
        assert "The largest cost is " in r.stdout and "\033" not in r.stdout
        assert "10 requests, 544 kB" in lines[0] and "as-is, warm, once" in lines[0]
    with tap.case("counts are those that geometry gives; parts add up"):
        found, = json.loads(tap.run("explain", split, "--json", "-w",
                                    "slicing:window=100,n=0").stdout)
        assert found["decoded_bytes_now"] % (357 * 17 * 4) == 0
        assert found["chunks_now"] == 8 * (30 + 8) or found["chunks_now"] >= 8 * 30
        assert sum(ns or 0 for ns in found["parts_ns"].values()) == found["total_ns"]
        assert list(found["parts_ns"]) == PARTS
    with tap.case("a cache too small is named, and the option that it advises is one"):
        found, = json.loads(tap.run("explain", cached, "--json", "-w", "scan:window=1").stdout)
        assert found["cause"] == "cache-too-small", found
        assert found["options"] == "cache=8388608" and found["promised_ratio"] > 2
        r = tap.run("explain", cached, "-w", "scan:window=1", "-f", "as-is:cache=8388608",
                    "-o", f"{tmp}/cache")
        row, = rows(f"{tmp}/cache/anatomy.csv")
        assert row["chunks_inflated"] == "1" and row["chunk_cache_bytes"] == "8388608", row
        assert row["chunk_cache_hits"] == "39"
    with tap.case("-o writes anatomy.csv and its picture; plot draws it again"):
        out = f"{tmp}/out/deep"
        tap.run("explain", split, "-w", "slicing", "-w", "full-load", "-o", out)
        table = rows(f"{out}/anatomy.csv")
        assert [row["workload"] for row in table] == ["slicing", "full-load"]
        for row in table:
            assert sum(int(row[f"{part}_ns"] or 0) for part in PARTS) == int(row["total_ns"])
            assert int(row["chunks_touched"]) - int(row["chunks_inflated"]) == \
                int(row["chunk_cache_hits"])
            assert row["verification"] == "repeatable" and row["chunk"] == "357x17x1"
        for suffix in ["csv", "svg", "png"]:
            assert os.path.getsize(f"{out}/plots/anatomy.{suffix}") > 100
        assert f"{out}/plots/anatomy.png" in tap.run("plot", out).stdout
    with tap.case("a folder holds one explanation or one run, never parts of both"):
        kept = open(f"{out}/anatomy.csv").read()
        for args in [["explain", split, "-o", out], ["run", split, "-w", "scan", "-o", out]]:
            r = tap.run(*args, code=2)
            assert f"{out} holds an explanation already" in r.stderr, r.stderr
        assert open(f"{out}/anatomy.csv").read() == kept and not os.path.exists(f"{out}/results.csv")
        ran = f"{tmp}/ran"
        tap.run("run", split, "-w", "scan", "-f", "raw", "--blocks", 1, "--cache", "warm", "--no-plots",
                "-o", ran)
        before = tree(ran)
        r = tap.run("explain", split, "-o", ran, code=2)
        assert f"{ran} holds a run already" in r.stderr and tree(ran) == before, r.stderr
    with tap.case("colour only when asked for; NO_COLOR is respected"):
        assert "\033[" in tap.run("explain", split, "--color=always").stdout
        assert "\033[" not in tap.run("explain", split, env={**os.environ, "NO_COLOR": "1"}).stdout
    with tap.case("handles and caches"):
        for handle in ["keep", "each"]:
            found, = json.loads(tap.run("explain", split, "--handle", handle, "--json").stdout)
            assert found["handle"] == handle
    with tap.case("cold is proven, or refused with the reason"):
        r = tap.run("explain", split, "--cache", "cold", "--json", code=None)
        if r.returncode:  # the scratch folder may lie in memory
            assert r.returncode == 1 and "cold" in r.stderr, r
        else:
            assert json.loads(r.stdout)[0]["cache"] == "cold"
        with tempfile.TemporaryDirectory(dir="/dev/shm") as shm:
            shutil.copy(split, f"{shm}/a.h5")
            r = tap.run("explain", f"{shm}/a.h5", "--cache", "cold", code=1)
            assert "no cold pass" in r.stderr and "tmpfs" in r.stderr, r.stderr
            assert not r.stdout
            tap.run("explain", f"{shm}/a.h5")
    with tap.case("a search reads no array, and says so plainly"):
        r = tap.run("explain", split, "-w", "search")
        assert "near its floor" in r.stdout or "opening and closing the file" in r.stdout, r.stdout

    with tap.case("a filter that no format here writes: no promise of other chunks"):
        with h5py.File(f"{tmp}/sums.h5", "w") as file:
            file.create_dataset("x", data=data.astype("f4"), chunks=(357, 17, 1), compression=4,
                                fletcher32=True)
        found, = json.loads(tap.run("explain", f"{tmp}/sums.h5", "--handle", "keep", "--json").stdout)
        assert found["cause"] == "other-filters" and found["promised_ratio"] == 1, found
        r = tap.run("explain", f"{tmp}/sums.h5", "--handle", "keep")
        assert "fletcher32" in r.stdout and "convert" not in r.stdout, r.stdout
    with tap.case("workloads that read no slab, and all of them at once"):
        found, = json.loads(tap.run("explain", split, "-w", "metadata", "--json").stdout)
        assert found["workload"] == "metadata" and found["chunks_now"] == 0, found
        found = json.loads(tap.run("explain", split, "-w", "all", "--json").stdout)
        names = [one["workload"] for one in found]
        assert {"slicing", "metadata", "search", "full-load"} <= set(names), names
        assert len(names) == len(set(names))

    with tap.case("files that are no HDF5: which formats have an anatomy"):
        for spec in ["raw", "msgpack"]:
            tap.run("gen", "-f", spec, "-o", f"{tmp}/f.{spec}", "--samples", 1, "--frames", "9:9")
            r = tap.run("explain", f"{tmp}/f.{spec}", code=1)
            assert f"is a {spec} file" in r.stderr and "hdf5-chunked, as-is" in r.stderr, r.stderr
        with open(f"{tmp}/text", "w") as file:
            file.write("hello")
        assert "no format" in tap.run("explain", f"{tmp}/text", code=1).stderr
    with tap.case("a missing, empty, truncated file, or a folder"):
        assert "No such file" in tap.run("explain", f"{tmp}/none", code=1).stderr
        open(f"{tmp}/empty", "w").close()
        assert "is empty" in tap.run("explain", f"{tmp}/empty", code=1).stderr
        assert "folder" in tap.run("explain", tmp, code=1).stderr
        whole = open(split, "rb").read()
        for size in [9, 100, 2000, len(whole) // 2, len(whole) - 1]:
            with open(f"{tmp}/cut.h5", "wb") as file:
                file.write(whole[:size])
            r = tap.run("explain", f"{tmp}/cut.h5", code=1)
            assert r.stderr.startswith("fmtbench: ") and "crashed" not in r.stderr, r.stderr
    with tap.case("damaged data: an error, never a crash"):
        damaged = bytearray(whole)
        for at in range(3000, len(damaged), 501):
            damaged[at] ^= 0x55
        with open(f"{tmp}/damaged.h5", "wb") as file:
            file.write(damaged)
        r = tap.run("explain", f"{tmp}/damaged.h5", code=None)
        assert r.returncode in (1, 4) and "crashed" not in r.stderr, r
    with tap.case("nothing to read: exit code 4"):
        r = tap.run("explain", split, "-w", "slicing:array=nothing*", code=4)
        assert "no array matches array=nothing*" in r.stderr
    with tap.case("wrong words: exit code 2"):
        for args in [[], [split, split], [split, "--handle", "twice"], [split, "--cache", "hot"],
                     [split, "-w", "slices"], [split, "-w", "slicing:windw=1"],
                     [split, "-f", "hdf"], [split, "-f", "as-is:cache=0"],
                     [split, "-f", "as-is:cache=lots"], [split, "--color=blue"]]:
            r = tap.run("explain", *args, code=2)
            assert r.stderr, args
        r = tap.run("explain", split, "-f", "raw", code=1)
        assert "format raw has no anatomy" in r.stderr

    with tap.case("run --anatomy: a row for each warm HDF5 row, behind the timed blocks"):
        out = f"{tmp}/run"
        r = tap.run("run", SMALL, "--anatomy", "-f", "raw", "-f", "hdf5-chunked:level=1",
                    "-f", "hdf5-contiguous", "-w", "slicing", "-w", "search", "--blocks", 1,
                    "--no-plots", "-o", out)
        measured = {row["cell_id"] for row in rows(f"{out}/results.csv")
                    if row["cache"] == "warm" and row["format"].startswith("hdf5")
                    and row["status"] == "ok"}
        table = rows(f"{out}/anatomy.csv")
        assert {row["cell_id"] for row in table} == measured and len(table) == len(measured)
        assert "anatomy of slicing" in r.stdout and f"{out}/anatomy.csv" in r.stdout
        assert all(len(line) <= 100 for line in r.stdout.splitlines() if tmp not in line)
    with tap.case("run --anatomy without a row that has one: a note, and no file"):
        r = tap.run("run", SMALL, "--anatomy", "-f", "raw", "-w", "slicing", "--blocks", 1,
                    "--no-plots", "-o", f"{tmp}/raw")
        assert "no anatomy" in r.stderr and not os.path.exists(f"{tmp}/raw/anatomy.csv")
    if tap.SHARED:
        with tap.case("every real file: an explanation, or a word why not"):
            for name in sorted(os.listdir(f"{tap.SHARED}/hdf5")):
                r = tap.run("explain", f"{tap.SHARED}/hdf5/{name}", code=None, timeout=120)
                assert r.returncode in (0, 4), (name, r)
                assert "crashed" not in r.stderr, (name, r.stderr)
                assert r.returncode or "largest cost" in r.stdout, (name, r.stdout)
tap.done()
