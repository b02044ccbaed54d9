"""Pickles, .npy and .npz files as SOURCE: every value as numpy has it, under paths that are stated;
`run` gives a full table of them, and `convert` writes them in every format."""
import collections
import csv
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

LIAR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../workers/faulty_source.py")
WRITABLE = ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked", "pickle"]
WIDTHS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?"]
random = np.random.default_rng(1)


def person(frames):
    return {"face": random.random((frames, 68, 2)), "aus": random.random((frames, 17)),
            "head": random.random((frames, 6))}


def flat(value, path=""):
    """Arrays by path, by keys and indices."""
    if isinstance(value, (np.ndarray, np.generic)):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {key: array for name, below in items
            for key, array in flat(below, f"{path}/{name}".strip("/")).items()}


def dump(path, value, protocol=4):
    with open(path, "wb") as file:
        pickle.dump(value, file, protocol)
    return path


def raw_arrays(path):
    """What a raw file holds (formats/raw.c)."""
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[8:16], "little")
    start = (16 + length + 63) // 64 * 64
    found = {}
    for array in json.loads(data[16:16 + length])["arrays"]:
        shape = tuple(array["shape"])
        found[array["path"]] = np.ndarray(shape, array["dtype"], data, start + array["offset"])
    return found


def same(path, got, array):
    assert got.shape == array.shape and got.dtype == array.dtype.newbyteorder("="), path
    assert got.tobytes() == array.astype(got.dtype).tobytes(), path


def check(file, arrays, folder, each=False):
    """All arrays of the file are these, bit for bit: written as raw in one go; `each`: as .npy by
    `read`."""
    out, raw = os.path.join(folder, "out.npy"), os.path.join(folder, "check.raw")
    tap.run("convert", file, "-f", "raw", "-o", raw)
    got = raw_arrays(raw)
    assert set(got) == {str(path) for path in arrays}, sorted(got)
    for path, array in arrays.items():
        same(path, got[path], array)
        if each:
            tap.run("read", file, path, "-o", out)
            same(path, np.load(out), array)


def table(folder, file, *options):
    """Rows of a run's results.csv, all of them fine, and those that there must be."""
    out = os.path.join(folder, "run")
    tap.run("run", file, "-o", out, "--blocks", 1, "--no-plots", *options)
    with open(os.path.join(out, "results.csv"), newline="") as results:
        rows = list(csv.DictReader(results))
    for row in rows:
        assert row["status"] in ("ok", "not-applicable"), row
        fine = row["format"] == "null" or row["workload"] == "open"
        assert row["status"] != "ok" or fine or row["verification"] == "verified", row
    for path, _, files in os.walk(out, topdown=False):
        for name in files:
            os.remove(os.path.join(path, name))
        os.rmdir(path)
    return rows


SHAPES = {
    "nested dicts": {"train": {"x": random.random((30, 4)), "y": np.arange(30)},
                     "test": {"deep": {"x": random.random((9, 4))}}},
    "a list of ragged arrays": [random.random((5 + i, 3)) for i in range(12)],
    "dicts of dicts": {f"session {i}": {"expert": {"face": random.random((8 + i, 3))},
                                        "novice": {"face": random.random((6, 3), "f4")}}
                       for i in range(3)},
    "one array": random.random((40, 7)),
    "all widths": {dtype: random.integers(0, 100, (11, 3)).astype(dtype) for dtype in WIDTHS},
}
NOXIRE = [(person(30 + i), person(40)) for i in range(3)]

with tap.scratch() as files:
    for what, value in SHAPES.items():
        with tap.case(f"{what}: every value, and a full table"):
            file = dump(f"{files}/my.pkl", value)
            arrays = {"array": value} if isinstance(value, np.ndarray) else flat(value)
            check(file, arrays, files, each=True)
            rows = table(files, file, "--cache", "warm", "--handle", "once")
            names = {row["format"] for row in rows if row["status"] == "ok"}
            assert names == set(WRITABLE) | {"raw-mmap", "null"}, names
            done = {row["workload"].split("-")[0] for row in rows if row["format"] == "pickle"
                    and row["status"] == "ok"}
            assert {"full", "scan", "random", "slicing", "search"} <= done, done
    with tap.case("the NoXiRe pickle has the paths of its HDF5 file, and NoXiRe's defaults"):
        file = dump(f"{files}/noxire.pkl", NOXIRE)
        arrays = {f"sample_{i:03d}/{name}/{key}": array for i, pair in enumerate(NOXIRE)
                  for name, one in zip(("expert", "novice"), pair) for key, array in one.items()}
        check(file, arrays, files)
        info = tap.run("info", file).stdout
        assert "samples         3\n" in info and "expert frames   total 93, min 30, max 32" in info
        found = tap.run("search", file, "--frames", "31:31").stdout
        assert found == "1\tsample_001\t31\n", found
        rows = table(files, file, "--quick")
        assert any("array=*/expert/face" in row["workload_options"] for row in rows), rows[0]
        assert {row["format"] for row in rows} >= {"pickle", "raw"}
    with tap.case("convert writes it in every format; what comes back is the same"):
        for name in WRITABLE:
            out = f"{files}/out.{name}"
            tap.run("convert", file, "-f", name, "-o", out)
            check(out, arrays, files)
            tap.run("convert", out, "-f", "pickle", "-o", f"{files}/back.pkl")
            with open(f"{files}/back.pkl", "rb") as back:
                got = pickle.load(back)
            assert [[list(one) for one in pair] for pair in got] == [
                [list(one) for one in pair] for pair in NOXIRE]
            assert all((a == b).all() and type(a) is np.ndarray
                       for a, b in zip(flat(got).values(), flat(NOXIRE).values()))
    with tap.case("a list of pairs of other things is no NoXiRe, there and back"):
        pairs = [({"x": np.arange(3)}, {"y": np.arange(4)})] * 2
        check(dump(file, pairs), flat(pairs), files)
        named = {f"sample_00{i}": {"expert": {"x": np.arange(3)}} for i in range(2)}
        tap.run("convert", dump(file, named), "-f", "pickle", "-o", f"{files}/back.pkl")
        check(f"{files}/back.pkl", flat(named), files)
        assert "samples         2" in tap.run("info", f"{files}/back.pkl").stdout
    with tap.case("every protocol, every order in memory, and both byte orders"):
        square = random.random((20, 30))
        value = {"c": square, "f": np.asfortranarray(square), "t": square[:, ::3].T,
                 "0d": square[0, 0], "zero": np.array(2.5), "big": square.astype(">f4"),
                 "small": np.arange(3, dtype=">i2"), "none": np.zeros((0, 4)),
                 "opaque": np.frombuffer(bytes(range(10)), "V5")}
        for protocol in range(6):
            check(dump(file, value, protocol), value, files)
    with tap.case("protocols 0 and 1 are known by the name .pkl or .pickle, or by pickle:FILE"):
        plain = dump(f"{files}/plain", {"x": square}, 0)
        assert "is of no format" in tap.run("info", plain, code=1).stderr
        assert "x      float64  20x30" in tap.run("info", f"pickle:{plain}").stdout
    with tap.case("a pickle of Python 2"):
        # Its bytes are text, whatever they hold.
        data = square.tobytes()
        with open(file, "wb") as out:
            out.write(b"\x80\x02}U\4datacnumpy.core.multiarray\n_reconstruct\n"
                      b"(cnumpy\nndarray\n(K\0tU\1btR(K\1(K\x14K\x1et"
                      b"cnumpy\ndtype\n(U\2f8K\0K\1tR(K\3U\1<NNN" + b"J\xff\xff\xff\xff" * 2
                      + b"K\0tb\x89T" + len(data).to_bytes(4, "little") + data + b"tbs.")
        with open(file, "rb") as old:
            assert (pickle.load(old, encoding="latin1")["data"] == square).all()
        check(file, {"data": square}, files)
    with tap.case("keys and indices; what cannot be taken is named, and so is what is no array"):
        x = np.arange(4)
        other = {"text": "t", 1: 2.5, "none": None, "list": [1, "a"], "dates": x.astype("M8[s]"),
                 "objects": np.array([None]), "words": np.array(["a"]), "complex": x.astype("c16"),
                 "fields": np.zeros(2, [("a", "f4")]), "long": np.zeros(2, "g"), "set": {1}}
        taken = {7: x, -1: x, b"bytes": x, True: x, 0.5: x, "a/b": x, np.int64(3): x, "é": x}
        value = {"a": taken,
                 "..": x, "": {"x": x}, ("a", 1): x, "a\nb": x, "b": {2: x, "2": x},
                 "c": x, "c/d": x, "o": other, "empty": {}, "ordered": collections.OrderedDict(x=x)}
        paths = ["a/7", "a/-1", "a/bytes", "a/True", "a/0.5", "a/a/b", "a/3", "a/é", "c",
                 "ordered/x"]
        check(dump(file, value), dict.fromkeys(paths, x), files)
        info = tap.run("info", file).stdout
        skipped = dict(line[len("skipped  "):].split(": ", 1) for line in info.splitlines()
                       if line.startswith("skipped"))
        for path, words in [("..", "its key cannot"), ("(tuple)", "its key cannot"),
                            ("a\\nb", "its key cannot"), ("b/2", "2 arrays have this path"),
                            ("c/d", "leads through the array c"), ("o/dates", "dates (datetime64)"),
                            ("o/objects", "objects"), ("o/words", "text"), ("o/long", "unusual"),
                            ("o/complex", "complex numbers"), ("o/fields", "structured records"),
                            ("o/set", "(set)"), ("o/text", "(str)"), ("o/1", "(float)"),
                            ("o/none", "(NoneType)"), ("o/list", "2 of its values")]:
            assert words in skipped[path], (path, skipped)
        r = tap.run("convert", file, "-f", "raw", "-o", f"{files}/out.raw")
        assert "arrays are not taken: .." in r.stderr, r
        r = tap.run("read", file, "o/dates", code=1)
        assert "array o/dates cannot be read: dates" in r.stderr, r
    with tap.case("what stands behind the first pickle is named"):
        with open(file, "wb") as out:
            pickle.dump([x], out)
            pickle.dump([x], out)
        info = tap.run("info", file).stdout
        assert "bytes behind the pickle's end: only the first is read" in info, info
    with tap.case(".npy: both orders, single values and arrays without elements"):
        npy = f"{files}/one.npy"
        for array in [square, np.asfortranarray(square), square.astype(">f8"), np.array(3, "i2"),
                      np.zeros((3, 0)), np.zeros(2, "f2"), np.ones(2, "?")]:
            np.save(npy, array)
            check(npy, {"array": array}, files)
        assert table(files, npy, "--quick")
        with open(npy, "ab") as out:
            np.save(out, square)
        assert "bytes behind the array's end" in tap.run("info", npy).stdout
    with tap.case(".npz: as numpy.savez and savez_compressed write it, and nested by its names"):
        arrays = {"a": square, "f": np.asfortranarray(square), "g/b": np.arange(9),
                  "0d": np.array(1.5), "none": np.zeros((0, 2))}
        for save in (np.savez, np.savez_compressed):
            save(f"{files}/many.npz", **arrays, words=np.array(["a"]))
            check(f"{files}/many.npz", arrays, files)
            os.rename(f"{files}/many.npz", f"{files}/unnamed")
            assert "skipped  words: an array of text" in tap.run("info", f"{files}/unnamed").stdout
        for name in WRITABLE:
            tap.run("convert", f"{files}/unnamed", "-f", name, "-o", f"{files}/out")
            check(f"{files}/out", arrays, files)
        assert table(files, f"{files}/unnamed", "--quick")
    with tap.case("--max-bytes takes whole arrays, and says which"):
        dump(file, {"a": np.zeros(1000), "b": np.zeros(10), "c": np.zeros(10)})
        r = tap.run("run", file, "--quick", "--blocks", 1, "--no-plots", "--max-bytes", 200,
                    "-w", "scan", "-o", f"{files}/some")
        assert "taking 2 of 3 arrays, 160 B of 8.16 kB" in r.stderr and "a, 8.00 kB" in r.stderr, r
    with tap.case("--memory-limit holds for the Python that reads the file"):
        dump(f"{files}/large.pkl", np.ones(25 << 20))  # 200 MiB
        r = tap.run("--memory-limit", "100MB", "info", f"{files}/large.pkl", code=1)
        assert "more than 95 MiB of memory, the limit; 'fmtbench --memory-limit SIZE" in r.stderr, r
        tap.run("--memory-limit", "600MB", "info", f"{files}/large.pkl")
    with tap.case("without a Python that has numpy: what to do"):
        r = tap.run("info", file, code=1, env={**os.environ, "PYTHON": "/nowhere/python3"})
        assert "source pickle needs a Python 3 with numpy" in r.stderr, r
        assert "apt-get install python3 python3-numpy" in r.stderr, r
    with tap.case("Ctrl-C ends it while Python has yet to answer, and Python with it"):
        environment = {**os.environ, "PYTHON": LIAR, "FAULT": "open-hang", "MARK": files}
        for send in (signal.SIGINT, signal.SIGTERM):
            running = subprocess.Popen([tap.FMTBENCH, "info", file], stderr=subprocess.PIPE,
                                       text=True, env=environment)
            time.sleep(1)
            running.send_signal(send)
            _, problem = running.communicate(timeout=20)
            assert running.returncode == 1 and "interrupted" in problem, (running, problem)
        left = subprocess.run(["pgrep", "-f", "faulty_source.py"], capture_output=True, text=True)
        for pid in left.stdout.split():
            with open(f"/proc/{pid}/environ") as environ:
                assert f"MARK={files}" not in environ.read()
tap.done()
