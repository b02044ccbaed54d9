#!/usr/bin/python3
"""A Python worker that lies, for the tests of datasets/python_source.c: FAULT says how. It stands in
the variable PYTHON, and so is asked for its modules first."""
import json
import os
import signal
import struct
import sys
import time

FAULT = os.environ.get("FAULT", "")
SHAPE = [4, 2]
DATA = bytes(range(8))
CATALOG = {"samples": [{"path": "s", "name": "s"}], "skipped": [{"path": "t", "reason": "text"}],
           "arrays": [{"path": path, "sample": 0, "dtype": "int8", "shape": SHAPE}
                      for path in ("s/b", "s/a")]}
ARRAY = CATALOG["arrays"][0]

if sys.argv[1] == "-c":
    sys.exit("No module named 'numpy'" if FAULT == "no-numpy" else 0)


def say(**message):
    print(json.dumps(message), flush=True)


def deliver(data, length=None):
    os.write(3, struct.pack("<Q", len(data) if length is None else length) + data)


def go_wrong():
    """In the middle of the talk."""
    if FAULT == "death":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "exit":
        sys.exit("MemoryError: no more")
    if FAULT == "end":
        sys.exit(0)
    if FAULT == "hang":
        time.sleep(600)
    if FAULT == "garbage":
        print("this is no JSON", flush=True)
    if FAULT == "list":
        print("[1]", flush=True)
    if FAULT == "endless":
        while True:
            sys.stdout.write("x" * (1 << 20))
    if FAULT == "noise":
        while True:
            deliver(b"x" * 1000)


if FAULT == "hello-protocol":
    say(protocol=99)
say(protocol=1)
job = json.loads(sys.stdin.readline())
assert job["job"] == "source" and job["memory"] > 0, job
{"catalog-dtype": lambda: ARRAY.update(dtype="object"),
 "catalog-shape": lambda: ARRAY.update(shape=[-1]),
 "catalog-huge": lambda: ARRAY.update(shape=[1 << 62, 1 << 62]),
 "catalog-rank": lambda: ARRAY.update(shape=[1] * 33),
 "catalog-sample": lambda: ARRAY.update(sample=7),
 "catalog-twice": lambda: ARRAY.update(path="s/a"),
 "catalog-path": lambda: ARRAY.update(path=5),
 "catalog-none": lambda: CATALOG.clear()}.get(FAULT, lambda: None)()
if FAULT.startswith("open-"):
    FAULT = FAULT[len("open-"):]
    go_wrong()
if FAULT == "error":
    say(error="the pickle asks for os.system\n\33[31m")
    sys.exit(1)
say(ready=True, catalog=CATALOG)
for line in sys.stdin:
    number = json.loads(line)["read"]
    go_wrong()
    # Which array it is stands in its first byte.
    data = bytes([number]) + DATA[1:]
    if FAULT == "short":
        data = data[:-1]
    if FAULT == "long":
        data += b"\0"
    if FAULT == "cut":
        os.write(3, struct.pack("<Q", len(data)) + data[:3])
    elif FAULT == "more":
        deliver(data + b"\0", len(data))
    elif FAULT == "huge":
        deliver(data, 1 << 63)
    elif FAULT not in ("nothing", "why"):
        deliver(data)
    say(**({"read": False, "why": "damaged"} if FAULT == "why" else {"read": True}))
