"""Pickle against HDF5 as the guide describes it: its functions, time.time() around them.

    compare_formats.py data.pkl data.h5 ASKED [COMPARISON]

Nothing in here knows fmtbench; what to ask for is told as JSON: {"order": [sample...], "windows":
[[sample, frame]...], "frames": [min, max], "name": sample name, "index": which that is}. Prints
seconds as JSON: {"slicing": {"pickle": s, "hdf5": s}, ...}."""
import json
import math
import pickle
import sys
import time

import h5py
import numpy as np

# --- data_hdf5 ------------------------------------------------------------------------------------


def load_sample(path, sample_idx, person):
    with h5py.File(path, "r") as hf:
        group = hf[f"sample_{sample_idx:03d}"][person]
        return {feature: group[feature][:] for feature in ("face", "aus", "head")}


def load_slice(path, sample_idx, person, feature, frame_start=None, frame_end=None):
    with h5py.File(path, "r") as hf:
        return hf[f"sample_{sample_idx:03d}"][person][feature][frame_start:frame_end]


def search_samples_by_frame_count(path, person, min_frames, max_frames):
    results = []
    with h5py.File(path, "r") as hf:
        for idx in range(hf.attrs["num_samples"]):
            sample = hf[f"sample_{idx:03d}"]
            num_frames = sample.attrs[f"num_frames_{person}"]
            if min_frames <= num_frames <= max_frames:
                results.append((idx, sample.attrs["sample_name"], num_frames))
    return results


def frames_by_name(path, sample_name, person):
    with h5py.File(path, "r") as hf:
        names = [name.decode() for name in hf["sample_names"][:]]
        return hf[f"sample_{names.index(sample_name):03d}"].attrs[f"num_frames_{person}"]


def load_all(path):
    with h5py.File(path, "r") as hf:
        return [tuple({feature: hf[f"sample_{idx:03d}"][person][feature][:]
                       for feature in ("face", "aus", "head")} for person in ("expert", "novice"))
                for idx in range(hf.attrs["num_samples"])]


# --- the comparison -------------------------------------------------------------------------------


def load_pickle(path):
    with open(path, "rb") as f:
        return pickle.load(f)


def timed(function):
    start = time.time()
    result = function()
    return time.time() - start, result


def gist(result):
    """What stands for it: of arrays shape and mean."""
    if isinstance(result, np.ndarray):
        return [*result.shape, float(result.mean(dtype="f8"))]
    if isinstance(result, dict):
        return [gist(value) for value in result.values()]
    if isinstance(result, (list, tuple)):
        return [gist(value) for value in result]
    return int(result)


def same(a, b):
    """As good as: the one has float64 where the other has float32."""
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return math.isclose(a, b, rel_tol=1e-5)


def compare(pkl, h5, asked, only=None):
    order, windows, (low, high) = asked["order"], asked["windows"], asked["frames"]
    for feature, array in load_sample(h5, 0, "expert").items():
        print(feature, array.shape, file=sys.stderr)

    def pickled_samples():
        data = load_pickle(pkl)
        for idx in order:
            face = data[idx][0]["face"]
        return face

    def hdf5_samples():
        for idx in order:
            face = load_slice(h5, idx, "expert", "face")
        return face

    def pickled_slices():
        data = load_pickle(pkl)
        for idx, at in windows:
            face = data[idx][0]["face"][at:at + 100]
        return face

    def hdf5_slices():
        for idx, at in windows:
            face = load_slice(h5, idx, "expert", "face", at, at + 100)
        return face

    def pickled_search():
        data = load_pickle(pkl)
        found = [(idx, len(expert["face"])) for idx, (expert, _) in enumerate(data)
                 if low <= len(expert["face"]) <= high]
        return found, len(data[asked["index"]][0]["face"])

    def hdf5_search():
        found = search_samples_by_frame_count(h5, "expert", low, high)
        return [(idx, frames) for idx, _, frames in found], frames_by_name(h5, asked["name"], "expert")

    functions = {"full-load": (lambda: load_pickle(pkl), lambda: load_all(h5)),
                 "random-access": (pickled_samples, hdf5_samples),
                 "slicing": (pickled_slices, hdf5_slices), "search": (pickled_search, hdf5_search)}
    seconds = {}
    for name, (pickled, hdf5) in functions.items():
        if only in (None, name):
            (a, loaded), (b, read) = timed(pickled), timed(hdf5)
            assert same(gist(loaded), gist(read)), name
            seconds[name] = {"pickle": a, "hdf5": b}
            loaded = read = None  # a full load is held until here, as by a script that compares two
    return seconds


print(json.dumps(compare(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), *sys.argv[4:])))
