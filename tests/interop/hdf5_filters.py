#!/usr/bin/python3
"""Every filter that is installed: what fmtbench writes through it h5py reads, and the other way round."""
import os
import re
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

# As h5py's low-level interface asks for them: the numbers that HDF5 keeps for its filters.
IDS = {"gzip": 1, "lzf": 32000, "szip": 4, "lz4": 32004, "bzip2": 307, "blosc": 32001,
       "bitshuffle": 32008}
PACKAGES = {"lzf": "hdf5-plugin-lzf", "lz4": "hdf5-filter-plugin", "bzip2": "hdf5-filter-plugin",
            "bitshuffle": "bitshuffle", "blosc": "hdf5-filter-plugin-blosc-serial"}


def write_source(path):
    """Shapes and types of many kinds, data that shrinks and data that does not."""
    rng = np.random.default_rng(7)
    data = {
        "smooth/f4": np.cumsum(rng.normal(size=(901, 68, 2)), axis=0).round(3).astype("f4"),
        "smooth/f8": np.linspace(0, 1, 5000),
        "noise/f8": rng.normal(size=(333, 77)),
        "noise/u1": rng.integers(0, 256, 100003, dtype="u1"),
        "noise/i2": rng.integers(-32768, 32767, (41, 43, 7), dtype="i2"),
        "zeros/i8": np.zeros((700, 30), "i8"),
        "flags": rng.random(999) < 0.1,
        "half": rng.normal(size=(50, 50)).astype("f2"),
        "deep": np.arange(3 ** 6, dtype="u4").reshape([3] * 6),
        "one": np.array([7], "i4"), "scalar": np.array(2.5),
    }
    with h5py.File(path, "w") as file:
        for name, values in data.items():
            file[name] = values
    return data


def filters(dataset):
    plist = dataset.id.get_create_plist()
    return [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]


def written_by_fmtbench(folder, source, data, name):
    out = os.path.join(folder, "out.h5")
    for more in ("", ",shuffle=1", ",rows=1", ",chunk=20x30,libver=latest"):
        tap.run("convert", source, "-f", f"hdf5-chunked:filter={name}{more}", "-o", out)
        with h5py.File(out, "r") as file:
            for path, values in data.items():
                got = file[path]
                assert got.dtype == values.dtype and np.array_equal(got[()], values), (more, path)
            assert IDS[name] in filters(file["smooth/f4"]), filters(file["smooth/f4"])
            assert file["zeros/i8"].id.get_storage_size() < data["zeros/i8"].nbytes
    tap.run("convert", out, "-f", "hdf5-contiguous", "-o", os.path.join(folder, "plain.h5"))
    with h5py.File(os.path.join(folder, "plain.h5"), "r") as file:
        assert all(np.array_equal(file[path][()], values) for path, values in data.items())


def written_by_h5py(folder, data, name):
    path = os.path.join(folder, "theirs.h5")
    with h5py.File(path, "w") as file:
        for array, values in data.items():
            if values.ndim and values.size > 8:
                kind = {"gzip": "gzip", "lzf": "lzf", "szip": "szip"}.get(name, IDS[name])
                file.create_dataset(array, data=values, chunks=True, compression=kind)
    assert name in tap.run("info", path).stdout
    for array in ("smooth/f4", "noise/i2", "flags"):
        out = os.path.join(folder, "x.npy")
        tap.run("read", path, array, "-o", out)
        assert np.array_equal(np.load(out), data[array]), array


def measured(folder, name):
    run = os.path.join(folder, f"run-{name}")
    shuffled = "blosc(4,shuffle)" if name == "blosc" else f"shuffle+{name}"
    tap.run("run", "synth:samples=2,frames=50:60", "-o", run, "-f",
            f"hdf5-chunked:filter={name},shuffle=1", "-f", f"h5py:filter={name},shuffle=1", "-w",
            "slicing", "--cache", "warm", "--handle", "once", "--blocks", 1, "--no-plots")
    with open(os.path.join(run, "results.csv")) as file:
        text = file.read()
    # At its default the option is not in records, which are older than it is.
    options = "chunk=h5py" + ("" if name == "gzip" else f",filter={name}") + '",slicing'
    assert text.count(options) == 2 and text.count(",verified,") == 2, text
    assert text.count(shuffled) == 2, text


def missing(folder, source):
    """Without plugins: said when writing, and when a file needs one."""
    empty = os.path.join(folder, "no plugins")
    os.mkdir(empty)
    env = {**os.environ, "HDF5_PLUGIN_PATH": empty}
    out = os.path.join(folder, "never.h5")
    for name, package in PACKAGES.items():
        with tap.case(f"{name} without its plugin: the filter, its id and the package"):
            r = tap.run("convert", source, "-f", f"hdf5-chunked:filter={name}", "-o", out, code=1,
                        env=env)
            for word in (f"filter={name}", f"id {IDS[name]}", package):
                assert word in r.stderr, r.stderr
            assert os.listdir(folder).count("never.h5") == 0
    with tap.case("a file that needs a missing plugin says so, and what has no filter is read"):
        theirs = os.path.join(folder, "lzf.h5")
        with h5py.File(theirs, "w") as file:
            file.create_dataset("lzf", data=np.arange(1000), chunks=(100,), compression="lzf")
            file["plain"] = np.arange(9)
        r = tap.run("info", theirs, env=env).stdout
        assert re.search(r"skipped +lzf: .*lzf \(id 32000\).*hdf5-plugin-lzf", r), r
        assert re.search(r"^plain +int64", r, re.M), r
    with tap.case("a run with a filter that is missing names it in the row, and goes on"):
        run = os.path.join(folder, "run")
        r = tap.run("run", "synth:samples=2,frames=50:60", "-o", run, "-f",
                    "hdf5-chunked:filter=lzf", "-f", "hdf5-chunked", "-w", "slicing", "--cache",
                    "warm", "--handle", "once", "--blocks", 1, "--no-plots", code=None, env=env)
        with open(os.path.join(run, "results.csv")) as file:
            text = file.read()
        assert "hdf5-plugin-lzf" in text and ",verified," in text, (text, r.stderr)


def main():
    with tap.scratch() as folder:
        source = os.path.join(folder, "source.h5")
        data = write_source(source)
        missing(folder, source)
        for name, id in IDS.items():
            if not h5py.h5z.filter_avail(id):
                print(f"# not installed: {name}")
                continue
            r = tap.run("convert", source, "-f", f"hdf5-chunked:filter={name}", "-o",
                        os.path.join(folder, "try.h5"), code=None)
            if "is not installed" in r.stderr:  # h5py brings its own lzf
                print(f"# not installed: {name}")
                continue
            with tap.case(f"{name}: h5py reads what fmtbench writes, and it comes back"):
                written_by_fmtbench(folder, source, data, name)
            with tap.case(f"{name}: fmtbench reads what h5py writes"):
                written_by_h5py(folder, data, name)
            with tap.case(f"{name}: measured, by h5py too, and told alike"):
                measured(folder, name)
    tap.done()


if __name__ == "__main__":
    main()
