#!/usr/bin/env python3
"""What h5py reads from a folder of real HDF5 files: paths, shapes, types and hashes as JSON.

    make_hdf5_expected.py FOLDER > hdf5_expected.json

Numbers are hashed in native byte order as h5py delivers them, everything else of fixed size as the
records that lie in the file. Each object counts once, at its first hard link in natural order.
`hash` is the start of a SHA-256.
"""
import hashlib
import json
import os
import re
import sys

import h5py
import numpy as np


def natural(name):
    return [(0, int(part), part) if part.isdigit() else (1, part) for part in re.findall(r"\d+|\D", name)]


def nested(file_type, wanted):
    kind = file_type.get_class()
    if wanted(file_type):
        return True
    if kind == h5py.h5t.COMPOUND:
        return any(nested(file_type.get_member_type(i), wanted)
                   for i in range(file_type.get_nmembers()))
    return kind == h5py.h5t.ARRAY and nested(file_type.get_super(), wanted)


def is_vlen(t):
    return t.get_class() == h5py.h5t.VLEN or (
        t.get_class() == h5py.h5t.STRING and t.is_variable_str())


def why_skipped(dataset):
    if nested(dataset.id.get_type(), is_vlen):
        return "variable-length"
    if nested(dataset.id.get_type(), lambda t: t.get_class() == h5py.h5t.REFERENCE):
        return "reference"
    if dataset.id.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        return "null dataspace"
    return None


def describe(path, dataset):
    number = dataset.dtype.kind in "iufb"
    if number:
        data = dataset[()]
        data = np.asarray(data, dtype=data.dtype.newbyteorder("="))
    else:
        file_type = dataset.id.get_type()
        data = np.empty(dataset.shape, dtype=f"V{file_type.get_size()}")
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, data, mtype=file_type)
    return {"path": path, "shape": list(dataset.shape),
            "dtype": data.dtype.name if number else f"V{data.dtype.itemsize}",
            "hash": hashlib.sha256(data.tobytes()).hexdigest()[:32]}


def walk(group, prefix, seen, arrays, skipped):
    for name in sorted(group, key=natural):
        path = prefix + name
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            skipped.append({"path": path, "reason": "external link"})
        elif isinstance(link, h5py.SoftLink):
            if group.get(name) is None:
                skipped.append({"path": path, "reason": "soft link"})
        else:
            thing = group[name]
            address = h5py.h5o.get_info(thing.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(thing, h5py.Group):
                walk(thing, path + "/", seen, arrays, skipped)
            elif isinstance(thing, h5py.Dataset):
                reason = why_skipped(thing)
                if reason:
                    skipped.append({"path": path, "reason": reason})
                else:
                    arrays.append(describe(path, thing))


def lines(rows):
    return "[" + ",".join("\n      " + json.dumps(row) for row in rows) + "]"


def main(folder):
    files = []
    for name in sorted(os.listdir(folder)):
        arrays, skipped = [], []
        with h5py.File(os.path.join(folder, name), "r") as file:
            walk(file, "", {h5py.h5o.get_info(file.id).addr}, arrays, skipped)
        files.append(f'  {json.dumps(name)}: {{\n    "arrays": {lines(arrays)},\n'
                     f'    "skipped": {lines(skipped)}\n  }}')
    print("{\n" + ",\n".join(files) + "\n}")


if __name__ == "__main__":
    main(sys.argv[1])
