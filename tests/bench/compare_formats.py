"""Pickle against HDF5 as the guide describes it: its functions, time.time() around them.

    compare_formats.py data.pkl data.h5 ASKED [COMPARISON]

Nothing in here knows fmtbench. ASKED is JSON: {"order": [sample...], "windows": [[sample, frame]...],
"frames": [min, max], "name": sample name, "index": which that is}. Prints seconds as JSON:
{"slicing": {"pickle": s, "hdf5": s}, ...}."""
import json
import pickle
import sys
import time

import h5py

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
    result = function()  # let go of behind the clock
    return time.time() - start


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
        return (search_samples_by_frame_count(h5, "expert", low, high),
                frames_by_name(h5, asked["name"], "expert"))

    functions = {
        "full-load": {"pickle": lambda: load_pickle(pkl), "hdf5": lambda: load_all(h5)},
        "random-access": {"pickle": pickled_samples, "hdf5": hdf5_samples},
        "slicing": {"pickle": pickled_slices, "hdf5": hdf5_slices},
        "search": {"pickle": pickled_search, "hdf5": hdf5_search},
    }
    return {name: {kind: timed(function) for kind, function in pair.items()}
            for name, pair in functions.items() if only in (None, name)}


print(json.dumps(compare(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), *sys.argv[4:])))
