#!/usr/bin/python3
"""What is printed for people runs as it stands, and what is applied to real files keeps them."""
import glob
import hashlib
import os
import shlex
import shutil
import subprocess
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

TEXTS = os.path.join(os.path.dirname(os.path.abspath(tap.FMTBENCH)), "tests/interop/apply_texts")
CC = os.environ.get("CC", "cc")
PYTHON = os.environ.get("PYTHON", sys.executable)

ODD = ["g/with blank", "g/it's \"quoted\" $x `y`", "-dash", "g/Umläut", "g/what??=", "g/back\\slash",
       "g/two\nlines"]


def texts(*args, code=0):
    result = subprocess.run([TEXTS, *args], capture_output=True, text=True, timeout=200)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return result.stdout if code == 0 else result.stderr


def make_file(path, extra=()):
    with h5py.File(path, "w") as file:
        file.attrs["title"] = "a file"
        file.attrs["numbers"] = np.arange(5, dtype="i2")
        faces = file.create_dataset("sample_0/face", data=np.random.default_rng(1).random((300, 68, 2)),
                                    chunks=(50, 68, 2), maxshape=(None, 68, 2), compression="gzip")
        faces.attrs["unit"] = "pixels"
        faces.attrs["fixed"] = np.bytes_("of fixed length")
        faces.attrs["empty"] = h5py.Empty("f4")
        file["sample_0"].attrs["name"] = ["several", "strings"]
        file.create_dataset("sample_1/face", data=np.ones((40, 68, 2), ">f4"), fillvalue=3)
        file.create_dataset("names", data=["x", "yy"], dtype=h5py.string_dtype())
        file.create_dataset("flags", data=np.arange(60) % 2 == 0, chunks=(7,), fletcher32=True)
        file.create_dataset("sample_1/kept", data=np.arange(99), chunks=(10,), compression="gzip")
        file["soft"] = h5py.SoftLink("/sample_0/face")
        file["external"] = h5py.ExternalLink("elsewhere.h5", "/x")
        for name in extra:
            file.create_dataset(name, data=np.arange(30.0))


def storage(path):
    """Chunk, filters in order, and largest shape of every dataset."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            plist = item.id.get_create_plist()
            filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
            found[name] = (item.chunks, [(f[0], f[2][:1] if f[0] == 1 else ()) for f in filters],
                           item.maxshape)
    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def check_copy(old, new, changes):
    """The changed arrays are as told, all others as before, and h5diff sees no difference."""
    before, after = storage(old), storage(new)
    assert set(before) == set(after), set(before) ^ set(after)
    for name in before:
        if name in changes:
            assert after[name][:2] == changes[name], (name, after[name], changes[name])
            assert after[name][2] == before[name][2], (name, after[name], before[name])
        else:
            assert after[name] == before[name], (name, after[name], before[name])
    diff = subprocess.run(["h5diff", "-v", old, new], capture_output=True, text=True)
    assert diff.returncode == 0 and "Not comparable" not in diff.stdout, diff.stdout
    with h5py.File(old, "r") as a, h5py.File(new, "r") as b:
        for name in before:
            x, y = a[name][()], b[name][()]
            assert x.tolist() == y.tolist() if x.dtype.hasobject else x.tobytes() == y.tobytes(), name
            assert a[name].dtype == b[name].dtype and dict_of(a[name]) == dict_of(b[name]), name


def dict_of(item):
    return {k: (item.attrs.get_id(k).dtype, str(item.attrs[k])) for k in item.attrs}


GZIP4 = (1, (4,))
SHUFFLE = (2, ())
# The last one is in one piece: it must not keep the first from growing.
CHANGES = ["100x68x2:gzip:4:1:0", "sample_0/face", "sample_1/face", "--", "7:none:0:0:0", *ODD, "--",
           "0:none:0:0:0", "sample_1/kept"]
EXPECTED = {"sample_0/face": ((100, 68, 2), [SHUFFLE, GZIP4]),
            "sample_1/face": ((40, 68, 2), [SHUFFLE, GZIP4]),
            "sample_1/kept": (None, []), **{name: ((7,), []) for name in ODD}}


def run_text(kind, folder, args, old="old file.h5", new="it's new.h5"):
    """Runs what is printed, in the folder of the files."""
    text = texts(kind, os.path.join(folder, old), os.path.join(folder, new), *args)
    if kind == "h5repack":
        command = ["sh", "-e", "-c", text]
    elif kind == "python":
        command = [PYTHON, "-c", text]
    else:
        with open(os.path.join(folder, "rechunk.c"), "w") as file:
            file.write(text)
        flags = next(subprocess.run(["pkg-config", "--cflags", "--libs", name], check=True,
                                    capture_output=True, text=True).stdout.split()
                     for name in ("hdf5-serial", "hdf5")
                     if subprocess.run(["pkg-config", "--exists", name]).returncode == 0)
        subprocess.run([*shlex.split(CC), "-std=c99", "-Wall", "-Wextra", "-Werror",
                        "-o", os.path.join(folder, "rechunk"),
                        os.path.join(folder, "rechunk.c"), *flags], check=True, timeout=100)
        command = [os.path.join(folder, "rechunk")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=folder)
    assert result.returncode == 0, (text, result.stdout, result.stderr)
    return text


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def small(dims):
    return 200 if len(dims) == 1 else 3


def real_changes(path):
    """A change for each rank that the file's arrays have, with small chunks."""
    listed = [line.split() for line in tap.run("info", path).stdout.split("\narray ")[-1].splitlines()[1:]
              if line and not line.startswith("skipped ")]
    ranks = {}
    for name, _, shape in (row[:3] for row in listed):
        dims = [] if shape == "scalar" else [int(n) for n in shape.split("x")]
        if dims and 0 not in dims:
            ranks.setdefault(len(dims), {})[name] = tuple(min(small(dims), n) for n in dims)
    args, expected = [], {}
    for rank, arrays in ranks.items():
        args += ["--"] * bool(args) + ["x".join([str(small([0] * rank))] * rank) + ":gzip:4:1:0", *arrays]
        expected.update({name: (chunk, [SHUFFLE, GZIP4]) for name, chunk in arrays.items()})
    return args, expected


REFUSED = {"jamesmudd__jhdf__test_file.hdf5": "external link"}


def check_real(path, folder):
    args, expected = real_changes(path)
    new = os.path.join(folder, "new.h5")
    before = digest(path)
    refused = REFUSED.get(os.path.basename(path))
    if refused:
        assert refused in texts("apply", path, new, *args, code=1)
        assert os.listdir(folder) == []
        shutil.copy(path, os.path.join(folder, "here.h5"))  # there its links lead where they led
        path = os.path.join(folder, "here.h5")
    if not expected:
        assert "no array" in texts("apply", path, new, "3:gzip:4:1:0", "nothing", code=2)
        return
    texts("apply", path, new, *args)
    after = storage(new)
    for name, want in expected.items():
        assert after[name][:2] == want, (name, after[name], want)
    diff = subprocess.run(["h5diff", path, new], capture_output=True, text=True)
    assert diff.returncode == 0, diff.stdout
    assert digest(path) == before
    assert set(os.listdir(folder)) <= {"new.h5", "here.h5"}


def main():
    for kind in ("h5repack", "python", "c"):
        with tap.case(f"{kind}: runs as printed and keeps its promise"), tap.scratch() as folder:
            old = os.path.join(folder, "old file.h5")
            make_file(old, ODD)
            run_text(kind, folder, CHANGES)
            check_copy(old, os.path.join(folder, "it's new.h5"), EXPECTED)
        with tap.case(f"{kind}: the newest version of the format"), tap.scratch() as folder:
            make_file(os.path.join(folder, "old file.h5"))
            run_text(kind, folder, ["10x68x2:none:0:0:1", "sample_1/face"])
            check_copy(os.path.join(folder, "old file.h5"), os.path.join(folder, "it's new.h5"),
                       {"sample_1/face": ((10, 68, 2), [])})
            with open(os.path.join(folder, "it's new.h5"), "rb") as file:
                assert file.read(9)[8] >= 2
    for kind in ("h5repack", "python"):
        names = [f"many/{'an_array_' * 5}{i}" for i in range(600)] + ["many/with blank"]
        with tap.case(f"{kind}: hundreds of arrays"), tap.scratch() as folder:
            make_file(os.path.join(folder, "old file.h5"), names)
            run_text(kind, folder, ["9:gzip:4:0:0", *names])
            check_copy(os.path.join(folder, "old file.h5"), os.path.join(folder, "it's new.h5"),
                       {name: ((9,), [GZIP4]) for name in names})
    for kind in ("python", "c"):
        with tap.case(f"{kind}: paths that h5repack cannot be told"), tap.scratch() as folder:
            names = ["a,b", "a:b", "g/" + "x" * 400]
            old = os.path.join(folder, "old file.h5")
            make_file(old, names)
            for name in names:
                assert "h5repack takes no path" in texts("h5repack", old, "x.h5", "9:none:0:0:0", name,
                                                         code=1)
            run_text(kind, folder, ["9:gzip:4:0:0", *names])
            check_copy(old, os.path.join(folder, "it's new.h5"),
                       {name: ((9,), [GZIP4]) for name in names})
    for kind in ("h5repack", "c") + (("python",) if h5py.h5z.get_filter_info(4) & 1 else ()):
        with tap.case(f"{kind}: szip"), tap.scratch() as folder:
            make_file(os.path.join(folder, "old file.h5"))
            run_text(kind, folder, ["9x68x2:szip:0:0:0", "sample_1/face"])
            check_copy(os.path.join(folder, "old file.h5"), os.path.join(folder, "it's new.h5"),
                       {"sample_1/face": ((9, 68, 2), [(4, ())])})
    with tap.case("filters that are plugins, in words"), tap.scratch() as folder:
        old = os.path.join(folder, "old.h5")
        make_file(old)
        for setting, words in (("gzip:0:1", ["SHUF"]), ("gzip:0:0", ["NONE"]), ("lzf:0:0", ["UD=32000,1,0"]),
                               ("bzip2:9:0", ["UD=307,0,1,9"]), ("bzip2:3:1", ["SHUF", "UD=307,0,1,3"]),
                               ("blosc:7:1", ["UD=32001,1,7,0,0,0,0,7,1,0"]),
                               ("lz4:0:1", ["SHUF", "UD=32004,0,0"]),
                               ("bitshuffle:0:0", ["UD=32008,0,2,0,2"])):
            command = texts("h5repack", old, "new.h5", f"9x9x2:{setting}:0", "sample_1/face")
            found = [word.split(":")[1] for word in shlex.split(command) if ":" in word]
            assert found == ["CHUNK=9x9x2"] + words, command
    with tap.case("python: lzf, which h5py brings along"), tap.scratch() as folder:
        make_file(os.path.join(folder, "old file.h5"))
        run_text("python", folder, ["9x68x2:lzf:0:1:0", "sample_1/face"])
        assert [f[0] for f in storage(os.path.join(folder, "it's new.h5"))["sample_1/face"][1]] == \
            [2, 32000]
    with tap.case("a user block is kept"), tap.scratch() as folder:
        old, new = os.path.join(folder, "old.h5"), os.path.join(folder, "new.h5")
        with h5py.File(old, "w", userblock_size=1024) as file:
            file["x"] = np.arange(30.0)
        with open(old, "r+b") as file:
            file.write(b"what stands before the file" * 30)
        texts("apply", old, new, "9:gzip:4:0:0", "x")
        with open(old, "rb") as a, open(new, "rb") as b:
            assert a.read(1024) == b.read(1024)
    for path in sorted(glob.glob(os.path.join(tap.SHARED, "hdf5/*"))) if tap.SHARED else []:
        with tap.case(f"{os.path.basename(path)}: applied, or refused with the reason"), \
                tap.scratch() as folder:
            check_real(path, folder)
    tap.done()


if __name__ == "__main__":
    main()
