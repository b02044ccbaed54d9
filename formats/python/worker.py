#!/usr/bin/env python3
"""fmtbench's Python worker: what takes Python's own libraries to read.

Speaks the worker protocol (bench/protocol.h) on descriptors 0 to 4. A job is one of

  read, create   of a format in FORMATS, under the same rules as fmtbench's own worker
  source         a file as a source: its catalog, then slabs as they are asked for
"""
import json
import pickle
import struct
import sys

import numpy as np

PROTOCOL = 1
FD_DELIVER, FD_CREATE = 3, 4


class Refused(Exception):
    """What is said to the user: what, where, what to do."""


def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else {"go": False}


def frame(out, data):
    """Bytes on the way to the runner, behind their length."""
    out.write(struct.pack("<Q", len(data)))
    out.write(data)


# --- pickles --------------------------------------------------------------------------------------

# All that a pickle may name: numpy's arrays and what they are made of. Plain containers, numbers
# and text need no name.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"), ("numpy", "dtype"),
}


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        raise Refused(f"the pickle asks for {module}.{name}, which is neither a numpy array nor a "
                      "plain container; nothing of it was run")


def load_pickle(path):
    with open(path, "rb") as file:
        return Unpickler(file).load()


# --- the job --------------------------------------------------------------------------------------

FORMATS = []
JOBS = {}


def main():
    say(protocol=PROTOCOL, program="fmtbench-python 1", deliver=["bytes"], formats=FORMATS,
        libraries={"python": sys.version.split()[0], "numpy": np.__version__})
    job = hear()
    try:
        JOBS[job["job"]](job)
    except Refused as reason:
        say(error=str(reason))
        sys.exit(1)


if __name__ == "__main__":
    main()
