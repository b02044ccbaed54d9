#!/usr/bin/python3
"""The NoXiRe layout is common ground: h5py reads what fmtbench writes, and the other way round."""
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

FEATURES = {"face": (68, 2), "aus": (17,), "head": (6,)}


def read(file, path, folder):
    out = os.path.join(folder, "x.npy")
    tap.run("read", file, path, "-o", out)
    return np.load(out)


def generate(folder, format, suffix):
    file = os.path.join(folder, "f" + suffix)
    tap.run("gen", "-o", file, "-f", format, "--samples", 3, "--frames", "300:500", "--seed", 5)
    return file


def written_by_fmtbench(folder):
    raw = generate(folder, "raw", ".raw")
    for format in ("hdf5-chunked", "hdf5-chunked:shuffle=1,rows=64", "hdf5-contiguous"):
        with h5py.File(generate(folder, format, ".h5"), "r") as hf:
            with tap.case(f"{format}: h5py reads the values that another format holds"):
                face = read(raw, "sample_000/expert/face", folder)
                got = hf["sample_000"]["expert"]["face"][100:200]
                assert got.dtype == np.float32 and np.array_equal(got, face[100:200])
                for path in ("sample_002/novice/aus", "sample_001/expert/head"):
                    assert np.array_equal(hf[path][()], read(raw, path, folder)), path
            with tap.case(f"{format}: attributes and names are as programs with h5py expect"):
                assert hf.attrs["num_samples"] == 3 and hf.attrs["num_samples"].dtype == np.int64
                assert set(hf.attrs["features"].split(", ")) == set(FEATURES)
                assert isinstance(hf.attrs["description"], str)
                assert h5py.check_string_dtype(hf["sample_names"].dtype).encoding == "utf-8"
                assert len(hf["sample_names"]) == 3
                for i in range(3):
                    sample = hf[f"sample_{i:03d}"]
                    assert hf["sample_names"][i].decode() == sample.attrs["sample_name"]
                    for person in ("expert", "novice"):
                        frames = sample.attrs[f"num_frames_{person}"]
                        assert sample[person]["face"].shape == (frames, 68, 2)
                        assert 300 <= frames <= 500
            with tap.case(f"{format}: fmtbench finds the samples by their names"):
                name = hf["sample_001"].attrs["sample_name"]
                out = tap.run("search", hf.filename, "--name", name).stdout
                assert name in out, out


def write_with_h5py(path):
    rng = np.random.default_rng(1)
    data = {}
    with h5py.File(path, "w") as hf:
        hf.attrs["num_samples"] = 2
        hf.attrs["description"] = "made by h5py"
        hf.attrs["features"] = "face, aus, head"
        hf.create_dataset("sample_names", data=["002.x", "t\u00e4o"], dtype=h5py.string_dtype())
        for i, name in enumerate(("002.x", "t\u00e4o")):
            sample = hf.create_group(f"sample_{i:03d}")
            sample.attrs["sample_name"] = name
            for person in ("expert", "novice"):
                frames = 250 + 40 * i
                sample.attrs[f"num_frames_{person}"] = frames
                for feature, shape in FEATURES.items():
                    values = rng.random((frames, *shape)).round(4).astype("f4")
                    sample.create_dataset(f"{person}/{feature}", data=values, compression="gzip",
                                          compression_opts=4)
                    data[f"sample_{i:03d}/{person}/{feature}"] = values
    return data


def written_by_h5py(folder):
    file = os.path.join(folder, "h5py.h5")
    data = write_with_h5py(file)
    with tap.case("a file that h5py wrote with gzip 4 opens with the same values"):
        for path, values in data.items():
            assert np.array_equal(read(file, path, folder), values), path
    with tap.case("its samples have their names, and sample_names is no array"):
        info = tap.run("info", file).stdout
        assert "made by h5py" in info and "gzip(4)" in info
        assert "sample_names" not in info and "skipped" not in info, info
        assert "t\u00e4o" in tap.run("search", file, "--frames", "290:290").stdout
    with tap.case("converted, it has the same values, attributes and chunks for h5py"):
        copy = os.path.join(folder, "copy.h5")
        tap.run("convert", file, "-f", "hdf5-chunked", "-o", copy)
        with h5py.File(file, "r") as a, h5py.File(copy, "r") as b:
            assert b.attrs["description"] == "made by h5py"
            assert list(a["sample_names"]) == list(b["sample_names"])
            for path, values in data.items():
                assert np.array_equal(b[path][()], values), path
                assert a[path].chunks == b[path].chunks, path
                assert b[path].compression == "gzip" and b[path].compression_opts == 4
            for name in ("sample_000", "sample_001"):
                assert dict(a[name].attrs) == dict(b[name].attrs), name


def main():
    with tap.scratch() as folder:
        written_by_fmtbench(folder)
        written_by_h5py(folder)
    tap.done()


if __name__ == "__main__":
    main()
