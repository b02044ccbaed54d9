#!/usr/bin/env python3
"""Workers that misbehave, for the tests of isolation: FAULT in the environment says how. Their one
format reads no file at all; it delivers zeros, which is right for a dataset of zeros."""
import csv
import json
import os
import signal
import struct
import sys
import time

FAULT = os.environ["FAULT"]


def say(**message):
    print(json.dumps(message), flush=True)


def fail(stage):
    """What goes wrong at this stage, if it is the one that FAULT names."""
    name, _, at = FAULT.partition("@")
    if at != stage:
        return
    if name == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "exit":
        print("the disk is on fire", file=sys.stderr)
        sys.exit(3)
    if name == "hang":
        time.sleep(600)
    if name == "garbage":
        print("this is no JSON", flush=True)
    if name == "memory":
        hog = []
        while True:
            hog.append(b"x" * (8 << 20))
            time.sleep(0.001)
    if name == "error":
        say(error="file.dat: record 7 is damaged; restore it from a backup")
        sys.exit(1)
    if name == "chatter":
        while True:
            sys.stderr.write("noise " * 1000 + "\n")
    if name == "endless":
        sys.stdout.write("x" * (100 << 20))
        sys.stdout.flush()


fail("hello")
say(protocol=99 if FAULT == "protocol" else 1, program="faulty.py", deliver=["bytes"],
    formats=[{"name": "faulty", "suffix": "", "flags": [], "create": True}])
job = json.loads(sys.stdin.readline())
with open(job["plan"], newline="") as file:
    plan = list(csv.DictReader(file))
if job["job"] == "create":
    say(ready=True)
    sys.stdin.readline()
    with open(4, "rb") as incoming, open(job["file"], "wb") as out:
        for row in plan:
            n = struct.unpack("<Q", incoming.read(8))[0]
            out.write(incoming.read(n))
    say(created=True, ns=1, cpu_ns=1)
    sys.exit()
fail("ready")
say(ready=True)
message = json.loads(sys.stdin.readline())
fail("go")
sizes = {"float32": 4, "float64": 8, "int8": 1}
with open(3, "wb") as out:
    while message["go"]:
        for _ in range(message["iterations"] - (FAULT == "few")):
            for row in plan:
                n = sizes[row["dtype"]]
                for c in row["count"].split():
                    n *= int(c)
                data = (b"\1" if FAULT == "lie" else b"\0") * n
                if FAULT == "short":
                    data = data[:-1]
                if FAULT == "long":
                    data += b"\0"
                if FAULT == "huge":
                    out.write(struct.pack("<Q", 1 << 60))
                out.write(struct.pack("<Q", len(data)) + data)
                if FAULT == "twice":
                    out.write(struct.pack("<Q", len(data)) + data)
                if FAULT == "half":
                    break
            out.flush()
            say(ns=-5 if FAULT == "negative" else 1000)
        if FAULT == "few":
            break
        message = json.loads(sys.stdin.readline())
say(done=True)
fail("done")
