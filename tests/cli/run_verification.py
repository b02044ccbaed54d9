"""Verification bites: one flipped byte in a file marks exactly the cells that deliver it."""
import csv
import json
import os
import shutil
import struct
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

SOURCE = "synth:samples=4,frames=300:600"
FORMATS = ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked:level=0", "hdf5-chunked:level=4",
           "hdf5-chunked:level=6,shuffle=1,rows=50"]
WORKLOADS = ["-w", "full-load", "-w", "scan", "-w", "random-access:n=2", "-w",
             "slicing:n=3,window=40", "-w", "search"]
ONCE = ["--blocks", "1", "--cache", "warm", "--handle", "once", "--no-plots"]


def rows(folder, name="results.csv"):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


def manifest(path):
    with open(path + ".manifest.json") as file:
        return json.load(file)


def locate(path, format, array, frame):
    """Offset of a byte of the array's data in the file, and the frames that it spoils."""
    if format.startswith("hdf5"):
        with h5py.File(path) as file:
            dataset = file[array]
            row = dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))
            if not dataset.chunks:
                return dataset.id.get_offset() + frame * row + 5, range(frame, frame + 1)
            for i in range(dataset.id.get_num_chunks()):
                chunk = dataset.id.get_chunk_info(i)
                first, rows_in = chunk.chunk_offset[0], dataset.chunks[0]
                if first <= frame < first + rows_in:
                    if dataset.compression:
                        return chunk.byte_offset + chunk.size // 2, range(first, first + rows_in)
                    chunk_row = dataset.dtype.itemsize * int(np.prod(dataset.chunks[1:]))
                    return chunk.byte_offset + (frame - first) * chunk_row + 2, range(frame, frame + 1)
    with open(path, "rb") as file:
        data = file.read()
    with h5py.File(reference) as file:
        whole = file[array][...].tobytes()
        row = len(whole) // file[array].shape[0]
    at = data.find(whole)
    assert at >= 0 and data.find(whole, at + 1) < 0
    return at + frame * row + 3, range(frame, frame + 1)


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x10]))


def spoiled(plan, array, frames):
    """Workloads of which a request delivers one of the frames of the array."""
    hit = set()
    for row in plan:
        if row["op"] in ("read", "load") and row["array"] == array:
            start, count = int(row["start"].split()[0]), int(row["count"].split()[0])
            if any(start <= f < start + count for f in frames):
                hit.add(row["workload"])
    return hit


with tap.scratch() as tmp:
    base = os.path.join(tmp, "base")
    specs = [word for f in FORMATS for word in ("-f", f)]
    tap.run("run", SOURCE, "-o", base, "--keep-files", *specs, *WORKLOADS, *ONCE)
    files = os.path.join(base, "files")
    plan = rows(base, "plan.csv")
    names = sorted(f[:-len(".manifest.json")] for f in os.listdir(files) if f.endswith(".json"))
    reference = os.path.join(files, next(n for n in names if "contiguous" in n))

    with tap.case("files measured again against their manifests are all verified"):
        tap.run("run", "--files", files, "-o", os.path.join(tmp, "again"), *WORKLOADS, *ONCE)
        table = rows(os.path.join(tmp, "again"))
        assert {r["format"] for r in table} == {"raw", "raw-mmap", "msgpack", "hdf5-contiguous",
                                                "hdf5-chunked"}
        assert all(r["status"] == "ok" and r["verification"] == "verified" for r in table)

    # Places that some cells read and others do not; frames counted from the plan.
    slices = [r for r in plan if r["workload"] == "slicing"]
    whole = [r["array"] for r in plan if r["workload"] == "random-access"]
    all_faces = sorted({r["array"] for r in plan
                        if r["op"] == "load" and r["array"].endswith("expert/face")})
    sliced = slices[0]
    in_slice = int(sliced["start"].split()[0]) + 3
    seldom = next(a for a in all_faces if a not in whole and a not in {s["array"] for s in slices})
    places = {
        "inside a slice": (sliced["array"], in_slice),
        "in an array of random-access, outside its slice": (whole[0], 0),
        "in a face that no small workload reads": (seldom, 17),
        "in the action units": ("sample_002/novice/aus", 100),
    }
    for name in names:
        kind = manifest(os.path.join(files, name))
        for where, (array, frame) in places.items():
            with tap.case(f"{kind['format']}:{kind['options']}, a byte {where}"):
                copy, out = os.path.join(tmp, "copy"), os.path.join(tmp, "out")
                for folder in (copy, out):
                    shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(files, copy)
                target = os.path.join(copy, name)
                offset, frames = locate(target, kind["format"], array, frame)
                flip(target, offset)
                result = tap.run("run", "--files", copy, "-o", out, *WORKLOADS, *ONCE, code=1)
                expected = spoiled(plan, array, frames)
                assert {"full-load", "scan"} <= expected and "search" not in expected
                readers = {"raw", "raw-mmap"} if kind["format"] == "raw" else {kind["format"]}
                for r in rows(out):
                    hit = (r["format"] in readers and r["options"] == kind["options"]
                           and r["workload"] in expected)
                    assert (r["status"] != "ok") == hit, (r, expected)
                    assert (r["median_ns"] == "") == hit, r
                    if hit:
                        assert r["verification"] == "not verified" and array in r["reason"], r
                    else:
                        assert r["verification"] == "verified", r
                bad = {r["cell_id"] for r in rows(out) if r["status"] != "ok"}
                assert not bad & {i["cell_id"] for i in rows(out, "iterations.csv")}
                assert "failed or delivered wrong data" in result.stderr

    with tap.case("as-is: a byte flipped in the user's own file is found against its manifest"):
        own = os.path.join(tmp, "own.h5")
        shutil.copy(reference, own)
        shutil.copy(reference + ".manifest.json", own + ".manifest.json")
        offset, _ = locate(own, "hdf5-contiguous", sliced["array"], in_slice)
        flip(own, offset)
        out = os.path.join(tmp, "as-is")
        tap.run("run", own, "--files", files, "-f", "as-is", "-f", "raw", "-o", out, *WORKLOADS,
                *ONCE, code=1)
        expected = spoiled(plan, sliced["array"], range(in_slice, in_slice + 1))
        for r in rows(out):
            hit = r["format"] == "as-is" and r["workload"] in expected
            assert r["status"] == ("wrong-data" if hit else "ok"), r
    with tap.case("a damaged SOURCE with a manifest is not converted as if it were fine"):
        result = tap.run("run", own, "-f", "raw", "-o", os.path.join(tmp, "src"), *ONCE, code=1)
        assert "manifest" in result.stdout + result.stderr

    with tap.case("the truth is found in the other files when the source cannot be had"):
        moved = os.path.join(tmp, "moved")
        made = os.path.join(tmp, "made.raw")
        tap.run("convert", SOURCE, "-f", "raw", "-o", made)
        tap.run("run", made, "-o", moved, "--keep-files", "-f", "msgpack", "-f", "hdf5-contiguous",
                *WORKLOADS, *ONCE)
        os.remove(made)
        folder = os.path.join(moved, "files")
        target = next(os.path.join(folder, n) for n in os.listdir(folder)
                      if "contiguous" in n and not n.endswith(".json"))
        offset, _ = locate(target, "hdf5-contiguous", sliced["array"], in_slice)
        flip(target, offset)
        out = os.path.join(tmp, "moved-out")
        tap.run("run", "--files", folder, "-o", out, *WORKLOADS, *ONCE, code=1)
        for r in rows(out):
            hit = r["format"] == "hdf5-contiguous" and r["workload"] in expected
            assert r["status"] == ("wrong-data" if hit else "ok"), r
    with tap.case("a folder without manifests, and files of two datasets, are refused"):
        os.mkdir(os.path.join(tmp, "empty"))
        result = tap.run("run", "--files", os.path.join(tmp, "empty"), "-o",
                         os.path.join(tmp, "n1"), *ONCE, code=4)
        assert "manifest.json" in result.stderr
        tap.run("gen", "-o", os.path.join(folder, "other.raw"), "-f", "raw", "--samples", 1,
                "--frames", "50:60")
        result = tap.run("run", "--files", folder, "-o", os.path.join(tmp, "n2"), *ONCE, code=2)
        assert "different datasets" in result.stderr
    def small(name, *args):
        folder = os.path.join(tmp, name)
        os.makedirs(folder, exist_ok=True)
        out = os.path.join(folder, args[0])
        tap.run("gen", "-o", out, "--samples", 2, "--frames", "80:80", *args[1:])
        return folder

    with tap.case("a folder of narrowed files alone is verified against the narrowed source"):
        small("narrow", "a.raw", "-f", "raw:dtype=f32", "--dtype", "f64")
        folder = small("narrow", "b.h5", "-f", "hdf5-chunked:dtype=f32", "--dtype", "f64")
        out = os.path.join(tmp, "narrow-out")
        tap.run("run", "--files", folder, "-o", out, "-w", "slicing", *ONCE)
        assert all(r["verification"] == "verified" for r in rows(out)), rows(out)
    with tap.case("two files that would be one row, and files of two seeds, are refused"):
        small("twice", "a.raw", "-f", "raw")
        folder = small("twice", "b.raw", "-f", "raw")
        result = tap.run("run", "--files", folder, "-o", os.path.join(tmp, "t1"), *ONCE, code=2)
        assert "a.raw" in result.stderr and "b.raw" in result.stderr
        small("seeds", "a.raw", "-f", "raw")
        folder = small("seeds", "b.h5", "-f", "hdf5-contiguous", "--seed", 2)
        result = tap.run("run", "--files", folder, "-o", os.path.join(tmp, "t2"), *ONCE, code=2)
        assert "different datasets" in result.stderr
    with tap.case("a SOURCE that cannot be opened is an error with --files too"):
        tap.run("run", os.path.join(tmp, "nothing.h5"), "--files", files, "-o",
                os.path.join(tmp, "t3"), *ONCE, code=1)
        assert not os.path.exists(os.path.join(tmp, "t3"))

    with tap.case("a file that is gone while its manifest stands is a failed row"):
        lost = os.path.join(tmp, "lost")
        shutil.copytree(files, lost)
        os.remove(os.path.join(lost, next(n for n in names if "msgpack" in n)))
        out = os.path.join(tmp, "lost-out")
        tap.run("run", "--files", lost, "-o", out, "-w", "scan", *ONCE, code=1)
        for r in rows(out):
            assert r["status"] == ("failed" if r["format"] == "msgpack" else "ok"), r
tap.done()
