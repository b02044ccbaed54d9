"""Files, names and messages of ill will: a clear word at once, and nothing false."""
import json
import os
import resource
import shutil
import subprocess
import sys

import h5py
import msgpack

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

HEADER = b"op,array,dtype,start,count,axis,min,max,sample,name,joined\n"
AT_ONCE = 20  # seconds: what waits for a pipe waits forever


def says_worker(folder, good, array):
    """The last message of a worker whose plan asks for this array of a raw file."""
    plan = f"{folder}/plan.csv"
    with open(plan, "wb") as file:
        file.write(HEADER + b"read," + array + b",float32,0 0 0,1 68 2,,,,,,\n")
    job = {"job": "read", "format": "raw", "options": "", "file": good, "plan": plan,
           "handle": "once", "deliver": "hash", "buffer": 100000, "storage": False}
    talk = json.dumps(job) + "\n" + json.dumps({"go": True, "iterations": 1}) + "\n"
    r = subprocess.run([tap.FMTBENCH, "worker"], input=talk.encode(), capture_output=True,
                       timeout=AT_ONCE)
    return r.returncode, json.loads(r.stdout.splitlines()[-1])


with tap.scratch() as scratch:
    good = f"{scratch}/good.raw"
    tap.run("gen", "-f", "raw", "-o", good, "--samples", 1, "--frames", "9:9")
    with tap.case("a worker's error is said whatever bytes are in it"):
        for array, shown in [(b"plain", "no array plain"), (b"\xff\xfe/x", "no array ??/x"),
                             # Too long; one of the two is cut within a character.
                             (b"a" + b"\xc3\xa9" * 2000, "no array a"),
                             (b"aa" + b"\xc3\xa9" * 2000, "no array aa")]:
            code, message = says_worker(scratch, good, array)
            assert code == 1 and shown in message["error"], message
    with tap.case("pipes and devices in place of a manifest or a results.csv"):
        other = f"{scratch}/other.raw"
        shutil.copy(good, other)
        for make in [os.mkfifo, lambda path: os.symlink("/dev/zero", path)]:
            make(f"{other}.manifest.json")
            r = tap.run("info", other, timeout=AT_ONCE)
            assert "it is no regular file" in r.stderr, r
            r = tap.run("run", other, "-f", "raw", "-o", f"{scratch}/run", code=1, timeout=AT_ONCE)
            assert "it is no regular file" in r.stderr, r
            os.remove(f"{other}.manifest.json")
            make(f"{scratch}/results.csv")
            r = tap.run("show", scratch, code=1, timeout=AT_ONCE)
            assert "results.csv: it is no regular file" in r.stderr, r
            os.remove(f"{scratch}/results.csv")
    with tap.case("a name of 900 characters does not widen every other row"):
        long = f"{scratch}/long.h5"
        with h5py.File(long, "w") as file:
            file["x" * 900] = [1.0]
            file["y"] = [2.0]
        lines = tap.run("info", long).stdout.splitlines()
        assert any(len(line) > 900 for line in lines)
        assert all(len(line) < 200 for line in lines if "x" * 900 not in line), lines
    with tap.case("shapes that cannot be counted: the message names the file"):
        huge = f"{scratch}/huge.msgpack"
        with open(huge, "wb") as file:
            array = {"dtype": "int8", "shape": [2**63, 4], "data": b"1"}
            file.write(msgpack.packb([{"@sample": {"path": "s", "name": "s"}, "x": array}]))
        r = tap.run("info", huge, code=1)
        assert f"{huge} is damaged: array s/x" in r.stderr, r
    with tap.case("no space for an HDF5 file: why, without the library's addresses"):
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        r = tap.run("gen", "-f", "hdf5-chunked", "-o", f"{scratch}/new", "--samples", 2, code=1,
                    preexec_fn=small)
        assert "File too large" in r.stderr, r
        assert "buf = " not in r.stderr and ".tmp-" not in r.stderr, r
    with tap.case("written through a symbolic link: the manifest is the file's"):
        link, target = f"{scratch}/link", f"{scratch}/target"
        open(target, "w").close()
        os.symlink("target", link)
        r = tap.run("convert", good, "-f", "raw", "-o", link)
        assert f"{target}.manifest.json has their hashes" in r.stdout, r
        assert os.path.islink(link) and os.path.exists(f"{target}.manifest.json")
        assert not os.path.lexists(f"{link}.manifest.json")
        assert "made from" in tap.run("info", link).stdout
tap.done()
