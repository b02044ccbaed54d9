#!/usr/bin/env python3
"""A worker of the fmtbench protocol: folders of .npy files. See bench/protocol.h.

Array PATH of a dataset is FOLDER/PATH.npy; samples.json tells the samples' names."""
import csv
import fnmatch
import json
import os
import struct
import sys
import time

import numpy as np


def say(**message):
    print(json.dumps(message), flush=True)


def hear():
    return json.loads(sys.stdin.readline())


def numbers(text):
    return [int(word) for word in text.split()]


def npy(folder, path):
    return os.path.join(folder, path + ".npy")


def create(job, plan):
    waited, t0, cpu0 = 0, time.monotonic_ns(), time.process_time_ns()
    with open(4, "rb") as incoming:
        for row in plan:
            t = time.monotonic_ns()
            data = incoming.read(struct.unpack("<Q", incoming.read(8))[0])
            waited += time.monotonic_ns() - t
            file = npy(job["file"], row["array"])
            os.makedirs(os.path.dirname(file), exist_ok=True)
            np.save(file, np.frombuffer(data, row["dtype"]).reshape(numbers(row["count"])))
    with open(os.path.join(job["file"], "samples.json"), "w") as out:
        json.dump({row["array"]: row["name"] for row in plan}, out)
    say(created=True, ns=time.monotonic_ns() - t0 - waited, cpu_ns=time.process_time_ns() - cpu0)


def search(folder, row):
    with open(os.path.join(folder, "samples.json")) as file:
        samples = json.load(file)
    if row["op"] == "catalog":
        arrays = [(path, np.load(npy(folder, path), mmap_mode="r")) for path in samples]
        return "".join(f"{path}\t{array.dtype}\t{'x'.join(map(str, array.shape))}\n"
                       for path, array in arrays).encode()
    found = {}
    for path, name in samples.items():
        if row["op"] == "search-name" and name != row["name"] or name in found:
            continue
        if fnmatch.fnmatchcase(path, row["array"]):
            shape = np.load(npy(folder, path), mmap_mode="r").shape
            axis = int(row["axis"])
            if axis < len(shape) and (row["op"] == "search-name"
                                      or int(row["min"]) <= shape[axis] <= int(row["max"])):
                found[name] = shape[axis]
    return "".join(f"{name}\t{frames}\n" for name, frames in found.items()).encode()


def read(folder, row):
    if row["op"] == "catalog" or row["op"].startswith("search"):
        return search(folder, row)
    array = np.load(npy(folder, row["array"]), mmap_mode=None if row["op"] == "load" else "r")
    slab = tuple(slice(s, s + c) for s, c in zip(numbers(row["start"]), numbers(row["count"])))
    if row["op"] == "mean":  # bench/mean.h says what it is, to the last bit
        mean = np.add.accumulate(array[slab].astype("f8"), axis=0)[-1] / len(array[slab])
        return np.where(np.isnan(mean), np.nan, mean)
    return array if row["op"] == "load" else np.array(array[slab])


say(protocol=1, program="npy.py 1", deliver=["bytes"], libraries={"numpy": np.__version__},
    formats=[{"name": "npy", "suffix": "", "flags": [], "create": True}])
job = hear()
with open(job["plan"], newline="") as file:
    plan = list(csv.DictReader(file))
say(ready=True)
if job["job"] == "create":
    hear()
    create(job, plan)
    sys.exit()
with open(3, "wb") as out:
    while (message := hear())["go"]:
        for _ in range(message["iterations"]):
            t0 = time.monotonic_ns()
            results = [read(job["file"], row) for row in plan]
            ns = time.monotonic_ns() - t0
            for result in results:
                data = result if isinstance(result, bytes) else result.tobytes()
                out.write(struct.pack("<Q", len(data)) + data)
            out.flush()
            say(ns=ns)
say(done=True)
