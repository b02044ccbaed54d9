"""The pickle format is what Python writes: byte for byte the file of a script of its own, which
starts from the HDF5 file and follows the guide; and Python's pickle.load reads it."""
import csv
import os
import pickle
import sys

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../../formats/python")]
import tap
from worker import PickleFile, Request, answer, mean, search


def guides_pickle(h5, protocol, dtype):
    """[({'face': ..., 'aus': ..., 'head': ...}, {...}), ...], of fresh arrays."""
    data = []
    with h5py.File(h5, "r") as hf:
        for idx in range(hf.attrs["num_samples"]):
            sample = hf[f"sample_{idx:03d}"]
            expert, novice = ({feature: np.array(sample[person][feature][:], dtype=dtype)
                               for feature in ("face", "aus", "head")}
                              for person in ("expert", "novice"))
            data.append((expert, novice))
    return pickle.dumps(data, protocol=protocol)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def table_of(folder, name):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


def statuses(folder):
    return {(r["format"], r["options"], r["workload"]): (r["status"], r["verification"])
            for r in table_of(folder, "results.csv")}


def check(rows):
    """All of them were measured that can be, most of them verified."""
    for (format, _, workload), row in rows.items():
        nothing = row == ("not-applicable", "not verified") and workload in ("column", "feature")
        if workload == "epoch":  # Python's worker has no loader
            assert row[0] == "not-applicable", row
            continue
        assert nothing or row == ("ok", "none" if workload == "open" else
                                  "repeatable" if format.endswith("as-is") else "verified"), rows


def keep(path, **arrays):
    """A foreign HDF5 file of arrays by path."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


with tap.scratch() as tmp:
    pkl, h5 = os.path.join(tmp, "x.pkl"), os.path.join(tmp, "x.h5")
    for dtype in ("f32", "f64"):
        source = f"synth:samples=5,frames=60:200,seed=3,dtype={dtype}"
        tap.run("convert", source, "-f", "hdf5-contiguous", "-o", h5)
        for protocol in (2, 3, 4, 5):
            with tap.case(f"protocol {protocol}, {dtype}: the same bytes as Python's own"):
                tap.run("convert", source, "-f", f"pickle:protocol={protocol}", "-o", pkl)
                assert content(pkl) == guides_pickle(h5, protocol, "f" + str(int(dtype[1:]) // 8))
    with tap.case("the default protocol is Python's"):
        tap.run("convert", source, "-f", "pickle", "-o", pkl)
        assert content(pkl) == guides_pickle(h5, pickle.DEFAULT_PROTOCOL, "f8")
    with tap.case("dtype=f32 of a float64 dataset, from the HDF5 file as source"):
        tap.run("convert", h5, "-f", "pickle:dtype=f32", "-o", pkl)
        assert content(pkl) == guides_pickle(h5, 4, "f4")
    with tap.case("the file of a run is the same too, whatever else is measured"):
        folder = os.path.join(tmp, "run")
        tap.run("run", source, "-f", "pickle", "-f", "pickle:protocol=5", "-w", "full-load",
                "--blocks", "1", "--cache", "warm", "--no-plots", "--keep-files", "-o", folder)
        files = os.path.join(folder, "files")
        assert content(os.path.join(files, "01-pickle.pkl")) == guides_pickle(h5, 4, "f8")
        assert content(os.path.join(files, "02-pickle.pkl")) == guides_pickle(h5, 5, "f8")
        assert set(statuses(folder).values()) == {("ok", "verified")}
    with tap.case("nothing of it is copied, as for whoever slices an array that was loaded"):
        reader = PickleFile(pkl)
        aus = reader.data[1][1]["aus"]
        for start, count, same in (("7 0", "20 17", aus[7:27]), ("0 3", "60 1", aus[:60, 3:4])):
            part = reader.read(Request({"op": "read", "array": "sample_001/novice/aus", "name": "",
                                        "joined": "0", "start": start, "count": count,
                                        "dtype": "<f4", "sample": "sample_001"}))
            assert (part == same).all() and part.shape == same.shape, part.shape
            assert np.shares_memory(part, aus)
    with tap.case("a search of the guide's list finds what one of the catalog does, without making it"):
        catalog, reader.catalog = reader.catalog(), None
        lengths = sorted(len(novice["face"]) for _, novice in reader.data)
        for op, name, low, high, count in [
                ("search-range", "", lengths[1], lengths[3], 3), ("search-range", "", 0, 1, 0),
                ("search-name", "sample_003", 0, 0, 1), ("search-name", "sample_3", 0, 0, 0)]:
            asked = Request({"op": op, "array": "*/novice/aus", "name": name, "joined": "0", "axis": "0",
                             "min": low, "max": high})
            found = answer(reader.search(asked), 0)
            assert found.count(b"\n") == count and found == answer(search(catalog, asked), 0), found
    with tap.case("what was loaded goes back to the kernel on closing, each time"):
        large = os.path.join(tmp, "large.pkl")
        tap.run("convert", "synth:samples=24,dtype=f64", "-f", "pickle", "-o", large)
        PickleFile(large).close()
        before, size = tap.resident(), os.path.getsize(large)
        for _ in range(4):
            reader = PickleFile(large)
            assert tap.resident() - before > size // 2
            reader.close()
            assert tap.resident() - before < size // 8, (tap.resident(), before, size)
    with tap.case("pickle-again has the memory of the load before, from the first iteration on"):
        folder = os.path.join(tmp, "again")
        tap.run("run", "synth:samples=24,dtype=f64", "-f", "pickle", "-f", "pickle-again", "-w",
                "full-load", "-w", "slicing", "--blocks", "2", "--cache", "warm,cold", "--handle",
                "once", "--no-plots", "-o", folder)
        cells = {row["cell_id"]: row for row in table_of(folder, "results.csv")}
        assert {row["verification"] for row in cells.values()} == {"verified"} and len(cells) == 8
        faults = {"pickle": [], "pickle-again": []}
        for row in table_of(folder, "blocks.csv"):
            assert int(row["counted"]) == 1
            faults[cells[row["cell_id"]]["format"]].append(int(row["minor_faults"]))
        pages = size // os.sysconf("SC_PAGESIZE")
        assert min(faults["pickle"]) > pages * 0.8 > 10 * max(faults["pickle-again"]), (faults, pages)
    with tap.case("a mean is the same to the last bit, in whatever order an array lies"):
        array = np.random.default_rng(1).random((1000, 7))
        rows = sum(array, np.zeros(7)) / len(array)  # one row behind the other
        for other in (array, np.asfortranarray(array), array.astype(">f8"),
                      np.repeat(array, 2, axis=0)[::2], pickle.loads(pickle.dumps(array.T)).T):
            assert mean(other).tobytes() == rows.tobytes(), other.strides
    with tap.case("other datasets are dicts by path, and lists where the keys are 0 to n-1"):
        other, rng = os.path.join(tmp, "other.h5"), np.random.default_rng(1)
        arrays = {"runs/0/x": rng.random((7, 3)), "runs/1/x": rng.random((9, 3)).astype("f4"),
                  "runs/10/y": np.arange(6, dtype="u2"), "by_number/0": np.arange(4, dtype="i8"),
                  "by_number/1": np.array([True, False]), "one": np.float64(2.5),
                  "none": np.zeros((0, 4), "i4"), "big": np.arange(5, dtype=">i4")}
        arrays.update({f"runs/{i}/x": np.full((i, 2), i, "i1") for i in range(2, 10)})
        keep(other, **arrays)
        tap.run("convert", other, "-f", "pickle", "-o", pkl)
        with open(pkl, "rb") as file:
            data = pickle.load(file)
        assert isinstance(data, dict) and set(data) == {"runs", "by_number", "one", "none", "big"}
        assert isinstance(data["runs"], list) and len(data["runs"]) == 11
        assert isinstance(data["by_number"], list) and data["by_number"][1].dtype == bool
        for path, array in arrays.items():
            at = data
            for step in path.split("/"):
                at = at[int(step)] if isinstance(at, list) else at[step]
            assert at.shape == array.shape and (at == array).all() and at.dtype.isnative, path
    with tap.case("and they are read back, searched and listed, verified"):
        folder = os.path.join(tmp, "other")
        tap.run("run", other, "-f", "pickle", "-f", "pickle:protocol=2", "-f", "h5py-as-is", "-f",
                "h5py-contiguous", "-f", "as-is", "-w", "all", "--blocks", "1", "--cache", "warm",
                "--no-plots", "-o", folder)
        check(statuses(folder))
    with tap.case("sessions with gaps, or of one person, keep their names"):
        keep(other, **{"sample_000/expert/face": np.zeros((4, 68, 2)),
                       "sample_002/novice/aus": np.ones((3, 17))})
        tap.run("convert", other, "-f", "pickle", "-o", pkl)
        with open(pkl, "rb") as file:
            assert sorted(pickle.load(file)) == ["sample_000", "sample_002"]
        keep(other, **{"sample_000/expert/gaze": np.zeros((4, 2)),
                       "sample_000/expert/aus": np.ones((3, 17))})
        tap.run("convert", other, "-f", "pickle", "-o", pkl)
        with open(pkl, "rb") as file:
            (expert, novice), = pickle.load(file)
        assert list(expert) == ["aus", "gaze"] and novice == {}
        folder = os.path.join(tmp, "one")
        tap.run("run", other, "-f", "pickle", "-w", "all", "--blocks", "1", "--cache", "warm",
                "--no-plots", "-o", folder)
        check(statuses(folder))
tap.done()
