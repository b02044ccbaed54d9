"""Pickle against HDF5 as the guide describes it: its functions, time.time() around them.

    compare_formats.py data.pkl data.h5 [SEED [COMPARISON...]]

Nothing in here knows fmtbench. Prints seconds as JSON: {"slicing": {"pickle": s, "hdf5": s}, ...}."""
import json
import pickle
import random
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
    result = function()  # let go of behind the clock
    return time.time() - start


def compare(pkl, h5, seed, only):
    rng = random.Random(seed)
    with h5py.File(h5, "r") as hf:
        names = [name.decode() for name in hf["sample_names"][:]]
        frames = [int(hf[f"sample_{i:03d}"].attrs["num_frames_expert"]) for i in range(len(names))]
    order = rng.sample(range(len(names)), len(names))
    windows = [(idx, rng.randrange(frames[idx] - 100)) for idx in order]
    low, high = sorted(frames)[len(frames) // 4], sorted(frames)[-1 - len(frames) // 4]
    wanted = rng.randrange(len(names))

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
        return found, len(data[wanted][0]["face"])

    def hdf5_search():
        return (search_samples_by_frame_count(h5, "expert", low, high),
                frames_by_name(h5, names[wanted], "expert"))

    pairs = {
        "full-load": (lambda: load_pickle(pkl), lambda: load_all(h5)),
        "random-access": (pickled_samples, hdf5_samples),
        "slicing": (pickled_slices, hdf5_slices),
        "search": (pickled_search, hdf5_search),
    }
    return {name: {"pickle": timed(pairs[name][0]), "hdf5": timed(pairs[name][1])}
            for name in only or pairs}


print(json.dumps(compare(*sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) > 3 else 0, sys.argv[4:])))
