"""The commands do what they say: help, round trips between all formats, reading, searching."""
import csv
import io
import json
import os
import pty
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

FORMATS = ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked:level=1",
           "hdf5-chunked:level=9,shuffle=1,chunk=16x8x2", "hdf5-chunked:level=4,rows=32"]


def hashes(path):
    """Array path -> (type, shape, hash) as the manifest beside a file has them."""
    with open(f"{path}.manifest.json") as f:
        return {a["path"]: (a["dtype"], a["shape"], a["xxh3_128"]) for a in json.load(f)["arrays"]}


def npy(source, array, folder, *args):
    out = os.path.join(folder, "out.npy")
    tap.run("read", source, array, "-o", out, *args)
    return np.load(out)


def help_and_lists():
    with tap.case("no arguments: short help on stderr, exit 2"):
        r = tap.run(code=2)
        assert r.stdout == "" and "Usage" in r.stderr and "convert" in r.stderr
    with tap.case("--help lists the commands"):
        r = tap.run("--help")
        for command in ["gen", "convert", "info", "read", "search", "list", "plot", "schema"]:
            assert f"\n  {command} " in r.stdout, command
    with tap.case("every command has --help, and unknown options exit 2"):
        for command in ["gen", "convert", "info", "read", "search", "list", "plot", "schema"]:
            assert "Usage: fmtbench " + command in tap.run(command, "--help").stdout
            assert tap.run(command, "--no-such-thing", code=2).stderr
    with tap.case("--version names program and libraries"):
        r = tap.run("--version")
        assert r.stdout.startswith("fmtbench ") and "jansson" in r.stdout
        assert "hdf5-chunked" in r.stdout and "msgpack" in r.stdout
    with tap.case("an unknown command exits 2 and suggests the nearest"):
        r = tap.run("cnvert", code=2)
        assert "did you mean convert?" in r.stderr
    with tap.case("list shows every format and its options"):
        out = tap.run("list").stdout
        for word in ["raw", "raw-mmap", "msgpack", "hdf5-contiguous", "hdf5-chunked", "as-is",
                     "null", "level=4", "shuffle=0", "synth", "openface", "slicing"]:
            assert word in out, word
    with tap.case("--color decides; without a terminal there is none"):
        assert "\033[" not in tap.run("list").stdout
        assert "\033[" in tap.run("list", "--color=always").stdout
        assert "\033[" not in tap.run("list", "--color=never").stdout
        assert tap.run("list", "--color=sometimes", code=2)
    with tap.case("results that cannot be written are an error"):
        with open("/dev/full", "w") as full:
            import subprocess
            for args in [["list"], ["--help"], ["schema"]]:
                r = subprocess.run([tap.FMTBENCH, *args], stdout=full, stderr=subprocess.PIPE)
                assert r.returncode == 1 and b"standard output" in r.stderr, args


def terminal(folder, term):
    """What `gen` writes to a terminal on stderr."""
    import subprocess
    ours, theirs = pty.openpty()
    p = subprocess.Popen([tap.FMTBENCH, "gen", "-f", "raw", "-o", f"{folder}/terminal.raw"],
                         stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": term})
    os.close(theirs)
    text = b""
    try:
        while chunk := os.read(ours, 4096):
            text += chunk
    except OSError:
        pass
    p.communicate()
    assert p.returncode == 0
    os.close(ours)
    return text


def round_trips(folder):
    source = "synth:samples=3,frames=60:90,seed=5"
    files = {}
    with tap.case("gen writes every format, the same data"):
        for i, spec in enumerate(FORMATS):
            path = files[spec] = f"{folder}/gen{i}"
            r = tap.run("gen", "-f", spec, "-o", path, "--samples", 3, "--frames", "60:90",
                        "--seed", 5)
            assert r.stdout.count("\n") == 1 and path in r.stdout
            assert r.stderr == "", r.stderr
        assert len(hashes(files["raw"])) == 18
        assert all(hashes(f) == hashes(files["raw"]) for f in files.values())
    with tap.case("convert from every format to every format keeps every byte"):
        want = hashes(files["raw"])
        for spec, path in files.items():
            for other in FORMATS:
                tap.run("convert", path, "-f", other, "-o", f"{folder}/converted")
                assert hashes(f"{folder}/converted") == want, (spec, other)
        tap.run("convert", source, "-f", "raw", "-o", f"{folder}/converted")
        assert hashes(f"{folder}/converted") == want
    with tap.case("read gives the same .npy bytes from every format"):
        array, seen = "sample_001/novice/face", set()
        for path in files.values():
            tap.run("read", path, array, "-o", f"{folder}/x.npy")
            seen.add(open(f"{folder}/x.npy", "rb").read())
        assert len(seen) == 1
        with h5py.File(files["hdf5-contiguous"]) as f:
            assert np.array_equal(np.load(f"{folder}/x.npy"), f[array][:])
    with tap.case("dtype=f32 narrows as numpy does"):
        tap.run("gen", "-f", "raw", "-o", f"{folder}/wide", "--samples", 1, "--frames", "50:50",
                "--dtype", "f64")
        wide = npy(f"{folder}/wide", "sample_000/expert/face", folder)
        assert wide.dtype == np.float64
        for spec in FORMATS:
            spec += ("," if ":" in spec else ":") + "dtype=f32"
            tap.run("convert", f"{folder}/wide", "-f", spec, "-o", f"{folder}/narrow")
            narrow = npy(f"{folder}/narrow", "sample_000/expert/face", folder)
            assert narrow.dtype == np.float32 and np.array_equal(narrow, wide.astype(np.float32))
    with tap.case("progress is drawn on a terminal, and not on a dumb one"):
        assert b"writing" in terminal(folder, "xterm")
        assert terminal(folder, "dumb") == b""
    return files


def info_and_search(folder, files):
    shapes = {p: v[1] for p, v in hashes(files["raw"]).items()}
    frames = [shapes[f"sample_00{i}/expert/face"][0] for i in range(3)]
    for spec in ["raw", "msgpack", "hdf5-chunked:level=9,shuffle=1,chunk=16x8x2"]:
        with tap.case(f"info tells samples, frames and storage: {spec}"):
            out = tap.run("info", files[spec]).stdout
            mean = sum(frames) / 3
            assert (f"expert frames   total {sum(frames)}, min {min(frames)}, max {max(frames)}, "
                    f"mean {mean:.1f}\n") in out
            rows = [line.split() for line in out.splitlines()]
            assert ["samples", "3"] in rows and ["arrays", "18"] in rows
            assert "features        aus (17), face (68x2), head (6)" in out
            face = next(r for r in rows if r and r[0] == "sample_000/expert/face")
            assert face[1] == "float32" and face[2] == f"{frames[0]}x68x2"
            assert int(face[3]) == frames[0] * 68 * 2 * 4
            if spec.startswith("hdf5"):
                assert face[4:7] == ["chunked", "16x8x2", "shuffle+gzip(9)"]
                with h5py.File(files[spec]) as f:
                    stored = f["sample_000/expert/face"].id.get_storage_size()
                assert int(face[7]) == stored and face[8] == f"{int(face[3]) / stored:.2f}"
                assert "description     NoXiRe" in out
            assert "synth:samples=3,frames=60:90" in out
        with tap.case(f"search by frames and by name: {spec}"):
            names = [f"001.001.001.00{i + 1}" for i in range(3)]
            low = sorted(frames)[1]
            want = "".join(f"{i}\t{names[i]}\t{n}\n" for i, n in enumerate(frames) if n >= low)
            assert tap.run("search", files[spec], "--frames", f"{low}:").stdout == want
            r = tap.run("search", files[spec], "--name", names[2])
            assert r.stdout == f"2\t{names[2]}\t{frames[2]}\n"
            novice = shapes["sample_001/novice/aus"][0]
            r = tap.run("search", files[spec], "--name", names[1], "--array", "*/novice/aus")
            assert r.stdout == f"1\t{names[1]}\t{novice}\n"
            r = tap.run("search", files[spec], "--frames", "1000:2000")
            assert r.stdout == "" and "no sample" in r.stderr


def many_types(path):
    """An HDF5 file with one array of each kind; returns them."""
    rng = np.random.default_rng(3)
    arrays = {
        "f2": np.array([0, -0.0, 1, 65504, 6e-8, 6.1e-5, 0.333, np.inf, -np.inf, np.nan],
                       np.float16),
        "f4": rng.standard_normal((5, 3, 2)).astype(np.float32),
        "f8": rng.standard_normal((4, 2)) * 10.0 ** rng.integers(-300, 300, (4, 2)),
        "big": rng.standard_normal(6).astype(">f8"),
        "i1": np.array([-128, 127], np.int8),
        "u1": np.array([0, 255], np.uint8),
        "i8": np.array([-2**63, 2**63 - 1], np.int64),
        "u8": np.array([0, 2**64 - 1], np.uint64),
        "flags": np.array([True, False, True]),
        "scalar": np.float64(1) / 3,
        "empty": np.zeros((0, 4), np.int16),
    }
    with h5py.File(path, "w") as f:
        for name, array in arrays.items():
            f[name] = array
        f["void"] = np.array([b"abc", b"\x00\xff\x10"], "V3")
    return arrays


def reading(folder, files):
    path = f"{folder}/types.h5"
    arrays = many_types(path)
    for spec in ["raw", "msgpack"]:
        tap.run("convert", path, "-f", spec, "-o", f"{folder}/types.{spec}")
    for source in [path, f"{folder}/types.raw", f"{folder}/types.msgpack"]:
        kind = source.rsplit(".", 1)[1]
        with tap.case(f"every element type as .npy: {kind}"):
            for name, want in arrays.items():
                got = npy(source, name, folder)
                assert got.shape == want.shape, name
                assert got.dtype == np.asarray(want).dtype.newbyteorder("="), name
                assert np.array_equal(got, want, equal_nan=want.dtype.kind == "f"), name
            void = npy(source, "void", folder)
            assert void.dtype == np.dtype("V3") and void.tobytes() == b"abc\x00\xff\x10"
        with tap.case(f"CSV reads back the same: {kind}"):
            for name, want in arrays.items():
                rows = list(csv.reader(io.StringIO(tap.run("read", source, name).stdout)))
                if want.ndim == 0:
                    assert rows[0] == ["value"] and float(rows[1][0]) == want
                    continue
                assert [int(r[0]) for r in rows[1:]] == list(range(len(want))), name
                number = float if want.dtype.kind == "f" else int
                got = np.array([[number(v) for v in r[1:]] for r in rows[1:]], want.dtype)
                assert np.array_equal(got.reshape(want.shape), want,
                                      equal_nan=want.dtype.kind == "f"), name
            assert tap.run("read", source, "void").stdout == "row,value\n0,616263\n1,00ff10\n"
    with tap.case("CSV columns are named by their indices"):
        head = tap.run("read", path, "f4", "--rows", "1:2").stdout.splitlines()
        assert head[0] == "row,0.0,0.1,1.0,1.1,2.0,2.1" and head[1].startswith("1,")
    with tap.case("rows A:B, from every format, also open-ended and empty"):
        array = "sample_002/expert/face"
        whole = npy(files["raw"], array, folder)
        for spec, source in files.items():
            for rows, want in [("10:20", whole[10:20]), ("50:", whole[50:]), (":1", whole[:1]),
                               ("7:7", whole[7:7]), (f"0:{len(whole)}", whole)]:
                got = npy(source, array, folder, f"--rows={rows}")
                assert np.array_equal(got, want), (spec, rows)
    with tap.case("sample, person and feature name an array, as in the guide"):
        want = npy(files["raw"], "sample_001/novice/aus", folder)
        for sample in ["1", "sample_001", "001.001.001.002"]:
            out = f"{folder}/guide.npy"
            tap.run("read", files["raw"], "--sample", sample, "--person", "novice", "--feature",
                    "aus", "-o", out)
            assert np.array_equal(np.load(out), want)
    with tap.case("-o x.csv holds what stdout shows"):
        tap.run("read", path, "f8", "-o", f"{folder}/x.csv")
        assert open(f"{folder}/x.csv").read() == tap.run("read", path, "f8", "-o", "-").stdout


help_and_lists()
with tap.scratch() as scratch:
    made = round_trips(scratch)
    info_and_search(scratch, made)
    reading(scratch, made)
tap.done()
