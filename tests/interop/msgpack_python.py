"""The msgpack file is plain MessagePack: Python's own library unpacks it to the right arrays."""
import os
import sys

import h5py
import msgpack
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402


def array(entry):
    """{dtype, shape, data} -> numpy array."""
    assert list(entry) == ["dtype", "shape", "data"]
    return np.frombuffer(entry["data"], entry["dtype"]).reshape(entry["shape"])


with tap.scratch() as folder:
    tap.run("gen", "-f", "msgpack", "-o", f"{folder}/x.msgpack", "--samples", 12, "--frames",
            "40:60", "--seed", 9)
    tap.run("convert", f"{folder}/x.msgpack", "-f", "hdf5-chunked", "-o", f"{folder}/x.h5")
    with open(f"{folder}/x.msgpack", "rb") as f:
        document = msgpack.unpack(f, raw=False)
    with h5py.File(f"{folder}/x.h5") as hf:
        with tap.case("a list of samples with path and name, in order"):
            paths = [f"sample_{i:03d}" for i in range(12)]
            assert [s["@sample"]["path"] for s in document] == paths
            assert [s["@sample"]["name"] for s in document] == [
                hf[f"sample_{i:03d}"].attrs["sample_name"] for i in range(12)]
        with tap.case("every array equals what h5py reads"):
            for i, sample in enumerate(document):
                assert list(sample) == ["@sample", "expert", "novice"]
                for person in ["expert", "novice"]:
                    for feature in ["aus", "face", "head"]:
                        want = hf[f"sample_{i:03d}"][person][feature][:]
                        got = array(sample[person][feature])
                        assert got.dtype == want.dtype and np.array_equal(got, want)
    with tap.case("read gives the same as Python"):
        tap.run("read", f"{folder}/x.msgpack", "sample_011/novice/face", "-o", f"{folder}/a.npy")
        assert np.array_equal(np.load(f"{folder}/a.npy"), array(document[11]["novice"]["face"]))

    with h5py.File(f"{folder}/other.h5", "w") as hf:
        hf["top"] = np.arange(5)
        hf["a/data"] = np.arange(30000, dtype=np.int16)
        hf["a/b/c/shape"] = np.ones((2, 0, 3))
        hf["a/one"] = np.float32(0.5)
        for i in range(40):
            hf[f"many/x{i}"] = np.full(i, i, np.uint8)
    tap.run("convert", f"{folder}/other.h5", "-f", "msgpack", "-o", f"{folder}/other.msgpack")
    with open(f"{folder}/other.msgpack", "rb") as f:
        document = {s["@sample"]["path"]: s for s in msgpack.unpack(f, raw=False)}
    with tap.case("any other dataset keeps its groups; scalars and empty arrays too"):
        assert set(document) == {"", "a", "a/b/c", "many"}
        assert np.array_equal(array(document[""]["top"]), np.arange(5))
        assert np.array_equal(array(document["a"]["data"]), np.arange(30000))
        assert array(document["a"]["one"]) == 0.5 and array(document["a"]["one"]).shape == ()
        assert array(document["a/b/c"]["shape"]).shape == (2, 0, 3)
        assert all(np.array_equal(array(document["many"][f"x{i}"]), np.full(i, i))
                   for i in range(40))

    def forge(data, **packing):
        with open(f"{folder}/forged", "wb") as f:
            msgpack.pack(data, f, **packing)

    with tap.case("a document that Python packed is read"):
        entry = {"data": b"\x01\x02\x03", "dtype": "int8", "shape": [3], "unit": "mm"}
        forge([{"@sample": {"name": "n", "path": "s"}, "g": {"x": entry}}])
        r = tap.run("read", f"{folder}/forged", "s/g/x")
        assert r.stdout == "row,value\n0,1\n1,2\n2,3\n"
    with tap.case("a list of something else is not taken for ours"):
        forge([{"sample": 1}])
        assert "no format" in tap.run("info", f"{folder}/forged", code=1).stderr
tap.done()
