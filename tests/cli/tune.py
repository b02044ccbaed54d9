"""`fmtbench tune`: the answer, its records, refusals, and what it leaves behind."""
import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import h5py
import numpy

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

ACCESS = "window:length=50,n=5"


def tune(file, *args, code=0, tmp=None, **kwargs):
    """Tunes with a folder for temporary files of its own, which must be empty afterwards."""
    os.makedirs(tmp or TMP, exist_ok=True)
    result = tap.run("tune", file, "--quick", "--sample", "200kB", "--tmp", tmp or TMP, *args, code=code,
                     timeout=200, **kwargs)
    assert os.listdir(tmp or TMP) == [], os.listdir(tmp or TMP)
    return result


def smooth(rows, columns):
    steps = numpy.random.default_rng(1).standard_normal((rows, columns))
    return (numpy.cumsum(steps, 0) * 10).round().astype("f4")


def number(text):
    return float(text) if text else math.nan


def close(a, b):
    return math.isnan(a) and math.isnan(b) or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


with tap.scratch() as scratch:
    TMP = f"{scratch}/tmp"
    columns, two = f"{scratch}/columns.h5", f"{scratch}/two.h5"
    data = smooth(1000, 60)
    with h5py.File(columns, "w") as file:
        file.create_dataset("x", data=data, chunks=(1000, 1), compression=4)
    with h5py.File(two, "w") as file:
        file.create_dataset("long", data=data, chunks=(100, 60), compression=4)
        file.create_dataset("short", data=numpy.tile(data[:40], (1, 20)), chunks=(40, 60))

    with tap.case("tune.csv: complete rows, whose ratios and costs follow from them"):
        before = os.stat(columns), open(columns, "rb").read()
        out = f"{scratch}/out/deep"
        r = tune(columns, "--access", ACCESS, "-o", out, "--no-plots", "--weights", "1,2,0")
        assert f"{out}/tune.csv" in r.stdout and "Recommended: " in r.stdout, r.stdout
        assert (os.stat(columns).st_mtime_ns, open(columns, "rb").read()) == \
            (before[0].st_mtime_ns, before[1])
        rows = list(csv.DictReader(open(f"{out}/tune.csv", newline="")))
        assert {"present", "reader", "final", "search", "model"} == {row["stage"] for row in rows}
        present, = [row for row in rows if row["stage"] == "present"]
        assert "1000x1, gzip 4" in present["setting"] and present["read_ratio"] == "1"
        for row in rows:
            assert None not in row and None not in row.values()
            assert row["file"] == columns and row["access"] == "window:axis=0,length=50,n=5"
            assert row["group"] == "1" and row["array_count"] == "1"
            assert bool(row["plugin"]) == (row["filter"] not in ("", "none", "gzip", "szip")), row
            if row["stage"] == "model":
                assert not row["read_ns"] and row["predicted_cost"]
                continue
            assert int(row["blocks"]) > 0 and (row["stage"] == "reader" or int(row["read_ns"]) > 0)
            size, read = number(row["size_ratio"]), number(row["read_ratio"])
            assert close(number(row["cost"]), size * read**2), row
            for end in ["lower", "upper"]:
                assert close(number(row[f"cost_{end}"]), size * number(row[f"read_{end}"])**2), row
            if row["format"] == "hdf5-chunked":
                assert f"shuffle={row['shuffle']},chunk={row['chunk']}" in row["options"], row
                plain = row["filter"] in ("gzip", "none")
                assert plain == ("filter=" not in row["options"]), row
                assert not plain or row["options"].startswith(f"level={row['level']},"), row
        ends = [row for row in rows if row["stage"] in ("present", "final")]
        for row in ends:
            beaten = any(float(o["size_ratio"]) <= float(row["size_ratio"]) and
                         float(o["read_ratio"]) <= float(row["read_ratio"]) and
                         (o["size_ratio"], o["read_ratio"]) != (row["size_ratio"], row["read_ratio"])
                         for o in ends)
            assert row["pareto"] == str(int(not beaten)), row
        best, = [row for row in rows if row["recommended"] == "1"]
        assert best["stage"] == "final" and float(best["cost_upper"]) < 1 and not best["plugin"]
        settings = [(row["stage"], row["format"], row["options"]) for row in rows]
        assert len(settings) == len(set(settings))
        facts = json.load(open(f"{out}/environment.json"))
        assert facts["run"]["access"] == "window:axis=0,length=50,n=5" and \
            facts["run"]["weights"] == [1, 2, 0] and facts["run"]["sample_bytes"] == 200000, facts
        r = tap.run("tune", columns, "-o", out, code=2)
        assert "already" in r.stderr, r.stderr
    with tap.case("the recommended options are ones that convert takes"):
        tap.run("convert", columns, "-f", f"{best['format']}:{best['options']}".rstrip(":"), "-o",
                f"{scratch}/better.h5")
    with tap.case("--json: the answer and nothing else; each array is in a group that it fits"):
        found = json.loads(tune(two, "--access", ACCESS, "--json").stdout)
        assert found["access"] == "window:axis=0,length=50,n=5"
        # A window of 50 is not in the other array.
        group, = found["groups"]
        assert group["arrays"] == "long, float32 1000x60" and group["array_count"] == 1
        assert group["held_out"] is True
        assert group["keep"] or {"format", "options", "read_ratio", "size_ratio", "cost"} <= \
            set(group)
    with tap.case("names that are no UTF-8"):
        with h5py.File(f"{scratch}/latin.h5", "w") as file:
            file.create_dataset(b"abc\xff\xe4", data=data, chunks=(1000, 1), compression=4)
        group, = json.loads(tune(f"{scratch}/latin.h5", "--access", ACCESS,
                                 "--json").stdout)["groups"]
        assert group["arrays"].startswith("abc??, "), group
    with tap.case("keep, where nothing may be recommended"):
        r = tune(columns, "--access", ACCESS, "--max-size", "1%")
        assert "Keep the present setting" in r.stdout and "Recommended" not in r.stdout
        group, = json.loads(tune(columns, "--access", ACCESS, "--max-read", "0.0001x",
                                 "--json", "--handle", "keep").stdout)["groups"]
        assert group["keep"] is True and "options" not in group
    with tap.case("--max-size: what is larger is neither tried for long nor recommended"):
        r = json.loads(tune(columns, "--access", ACCESS, "--max-size", "130%", "--json", "-o",
                            f"{scratch}/small", "--no-plots").stdout)
        group, = r["groups"]
        rows = list(csv.DictReader(open(f"{scratch}/small/tune.csv", newline="")))
        found = [row for row in rows if row["stage"] == "final" and not row["names"]
                 and row["format"] == "hdf5-chunked"]
        assert found and all(float(row["size_ratio"]) <= 1.3 for row in found), found
        assert group["keep"] is False and group["size_ratio"] <= 1.3, group
    with tap.case("chunks larger than the cache, row by row: a larger cache is measured"):
        with h5py.File(f"{scratch}/cache.h5", "w") as file:
            file.create_dataset("x", data=smooth(128, 5000), chunks=(64, 5000), compression=1)
        tap.run("tune", f"{scratch}/cache.h5", "--quick", "--sample", "4MB", "--tmp", TMP, "--access",
                "index:axis=0,n=12", "-o", f"{scratch}/cached", "--no-plots")
        rows = list(csv.DictReader(open(f"{scratch}/cached/tune.csv", newline="")))
        cache, held, direct = [row for row in rows if row["stage"] == "reader"]
        assert cache["options"] == "cache=4194304" and "chunk cache" in cache["setting"], cache
        assert "held open" in held["setting"] and held["options"] == "", held
        assert "hdf5-direct" in direct["setting"] and direct["options"] == "", direct
        for row, reader in (cache, "as-is"), (held, "as-is"), (direct, "hdf5-direct-as-is"):
            assert row["format"] == reader and row["size_ratio"] == "1" and row["blocks"] == "6"
            assert close(number(row["cost"]), number(row["read_ratio"])**2), row
        # A single request loads nothing again: no cache is tried.
        os.remove(f"{scratch}/cached/tune.csv")
        with h5py.File(f"{scratch}/cache.h5", "w") as file:
            file.create_dataset("x", data=smooth(128, 5000), chunks=(32, 5000), compression=1)
        tap.run("tune", f"{scratch}/cache.h5", "--quick", "--sample", "4MB", "--tmp", TMP, "--access",
                "index:axis=0,n=1", "-o", f"{scratch}/cached", "--no-plots")
        rows = list(csv.DictReader(open(f"{scratch}/cached/tune.csv", newline="")))
        assert [row["format"] for row in rows if row["stage"] == "reader" and not row["options"]] == \
            ["as-is", "hdf5-direct-as-is"]
        assert not any("cache" in row["options"] for row in rows if row["stage"] == "reader")
    with tap.case("--candidates: these are measured in full, in more than one batch, and no others"):
        some = [f"hdf5-chunked:level=1,chunk={n}x60" for n in range(20, 45)]
        with open(f"{scratch}/list", "w") as file:
            file.write("# my own\n\n  hdf5-contiguous  # as it comes\r\n" + "\n".join(some))
        r = tune(columns, "--access", ACCESS, "--candidates", f"{scratch}/list", "--rounds", 6, "-o",
                 f"{scratch}/list.out", "--no-plots")
        rows = list(csv.DictReader(open(f"{scratch}/list.out/tune.csv", newline="")))
        assert [row["stage"] for row in rows].count("present") == 1
        assert {row["stage"] for row in rows} == {"present", "reader", "final"}
        final = [row for row in rows if row["stage"] == "final"]
        assert [row["chunk"] for row in final] == [""] + [f"{n}x60" for n in range(20, 45)]
        assert all(row["blocks"] in ("2", "6") and row["predicted_read_ns"] for row in final), final
        allowed = [row for row in final if number(row["cost_upper"]) < 1]
        best, = [row for row in rows if row["recommended"] == "1"]
        assert float(best["cost"]) == min(float(row["cost"]) for row in allowed), best
        assert f"Recommended: {best['setting']}" in r.stdout, r.stdout
    with tap.case("--candidates: a list that is none, and one that does not fit"):
        for text, words, code in [("", "has no settings", 2), ("# one\n\nraw\n", "list:3: ", 2),
                                  ("hdf5-chunked\n", "list:1: ", 2), ("hdf5-chunked:chunk=5\n", "2 axes", 4)]:
            with open(f"{scratch}/list", "w") as file:
                file.write(text)
            r = tune(columns, "--candidates", f"{scratch}/list", code=code)
            assert words in r.stderr, r.stderr
        assert "No such file" in tune(columns, "--candidates", f"{scratch}/nowhere", code=1).stderr
    with tap.case("--candidates: groups of another rank are left out, and what is not here is said"):
        with h5py.File(f"{scratch}/ranks.h5", "w") as file:
            file.create_dataset("flat", data=smooth(1000, 60))
            file.create_dataset("deep", data=smooth(1000, 30).reshape(1000, 6, 5))
        with open(f"{scratch}/list", "w") as file:
            file.write("hdf5-chunked:chunk=100x6x5\nhdf5-chunked:chunk=10x6x5,level=1\n")
        r = tune(f"{scratch}/ranks.h5", "--access", ACCESS, "--candidates", f"{scratch}/list", "--json")
        group, = json.loads(r.stdout)["groups"]
        assert group["arrays"].startswith("deep, "), group
        r = tune(f"{scratch}/ranks.h5", "--setting", "hdf5-chunked:chunk=100x6x5", "--json", code=0)
        group, = json.loads(r.stdout)["groups"]
        assert group["options"] == "level=4,shuffle=0,chunk=100x6x5" and "read_ratio" not in group, group
        r = tune(f"{scratch}/ranks.h5", "--setting", "hdf5-chunked:chunk=100x6x5")
        assert "1 other arrays" in r.stdout, r.stdout
        r = tune(f"{scratch}/ranks.h5", "--setting", "hdf5-contiguous", "--access", "whole", code=2)
        assert "--setting measures nothing" in r.stderr, r.stderr
        for name in ("lzf", "szip", "bitshuffle"):
            group, = json.loads(tune(f"{scratch}/ranks.h5", "--json", "--setting",
                                     f"hdf5-chunked:chunk=9x6x5,filter={name}").stdout)["groups"]
            assert group["options"] == f"shuffle=0,chunk=9x6x5,filter={name}", group
        r = tune(f"{scratch}/ranks.h5", "--setting", "hdf5-chunked:chunk=9x6x5,filter=lzf,level=5", code=2)
        assert "no level=5" in r.stderr, r.stderr
        r = tune(f"{scratch}/ranks.h5", "--apply", f"{scratch}/ranks.h5", code=2)
        assert "is the file that is to be read" in r.stderr, r.stderr
    with tap.case("a request as large as the array leaves it whole, and is no less measured"):
        with h5py.File(f"{scratch}/large.h5", "w") as file:
            file.create_dataset("x", data=smooth(300, 136), chunks=(30, 136), compression=1)
        r = tune(f"{scratch}/large.h5", "--access", "point:n=5 + 9*window:length=300,n=2", "-o",
                 f"{scratch}/large", "--no-plots")
        assert "left out" not in r.stderr, r.stderr
        sizes = {row["file_bytes"] for row in csv.DictReader(open(f"{scratch}/large/tune.csv", newline=""))
                 if row["format"] == "hdf5-contiguous"}
        assert all(int(size) > 300 * 68 * 4 for size in sizes), sizes
    with tap.case("an array that has nearly all bytes is halved: both parts are of it"):
        with h5py.File(f"{scratch}/lopsided.h5", "w") as file:
            file.create_dataset("long", data=smooth(100000, 1)[:, 0], chunks=(1000,), compression=1)
            file.create_dataset("short", data=numpy.zeros(20, "f4"))
        tune(f"{scratch}/lopsided.h5", "--access", "point:n=20", "-o", f"{scratch}/lopsided", "--no-plots")
        rows = list(csv.DictReader(open(f"{scratch}/lopsided/tune.csv", newline="")))
        sizes = [int(row["file_bytes"]) for row in rows if row["stage"] == "final"]
        assert min(sizes) > 50000, sizes
    with tap.case("Ctrl-C leaves the file as it was, and nothing beside it"):
        for delay in (0.3, 1.5):
            process = subprocess.Popen([tap.FMTBENCH, "tune", columns, "--tmp", TMP],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       start_new_session=True)
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGINT)
            stdout, stderr = process.communicate(timeout=100)
            assert process.returncode in (1, -signal.SIGINT), (process.returncode, stderr)
            assert "Recommended" not in stdout and os.listdir(TMP) == [], os.listdir(TMP)
        assert open(columns, "rb").read() == before[1]
    with tap.case("a folder that cannot be written to"):
        r = tap.run("tune", columns, "--tmp", f"{scratch}/none", code=1)
        assert f"cannot make a folder like {scratch}/none" in r.stderr, r.stderr

    with tap.case("wrong words: exit code 2"):
        for args, words in [
                ([], "FILE"), ([columns, columns], ""),
                ([columns, "--weights", "1,2"], "three numbers"),
                ([columns, "--weights", "1,2,3,"], "three numbers"),
                ([columns, "--weights", "1,,0"], "three numbers"),
                ([columns, "--weights", "nan,1,1"], "three numbers"),
                ([columns, "--weights", "1,-2,0"], "three numbers"),
                ([columns, "--weights", "1,101,0"], "three numbers"),
                ([columns, "--weights", "0,0,0"], "above 0"),
                ([columns, "--max-size", "60"], "with % behind it"),
                ([columns, "--max-size", "%"], "with % behind it"),
                ([columns, "--max-size", "0%"], "with % behind it"),
                ([columns, "--max-size", "inf%"], "with % behind it"),
                ([columns, "--max-read", "2"], "with x behind it"),
                ([columns, "--max-read=-1x"], "with x behind it"),
                ([columns, "--rounds", "5"], "from 6 to 127"),
                ([columns, "--rounds", "128"], "from 6 to 127"),
                ([columns, "--handle", "twice"], "once, each, keep"),
                ([columns, "--sample", "99kB"], "100kB"), ([columns, "--sample", "5GiB"], "100kB"),
                ([columns, "--sample", "x"], "100kB"), ([columns, "--seed", "-1"], "whole number"),
                ([columns, "--access", "windw"], "window"),
                ([columns, "--access", ""], ""),
                ([columns, "--access", "window:length=1001"], "longer than axis 0"),
                ([columns, "--access", "index:axis=2"], "axis"),
                ([columns, "--array", "y*"], "no array"), ([columns, "--color=blue"], "")]:
            r = tap.run("tune", *args, code=2)
            assert r.stderr and words in r.stderr and not r.stdout, (args, r.stderr)
    with tap.case("files that cannot be tuned: exit code 1 and why"):
        assert "No such file" in tap.run("tune", f"{scratch}/none.h5", code=1).stderr
        open(f"{scratch}/empty", "w").close()
        assert "is empty" in tap.run("tune", f"{scratch}/empty", code=1).stderr
        assert "folder" in tap.run("tune", scratch, code=1).stderr
        with open(f"{scratch}/text", "w") as file:
            file.write("hello")
        assert "no format" in tap.run("tune", f"{scratch}/text", code=1).stderr
        for spec in ["raw", "msgpack"]:
            name = f"{scratch}/f.{spec}"
            tap.run("gen", "-f", spec, "-o", name, "--samples", 1, "--frames", "9:9")
            r = tap.run("tune", name, code=1)
            assert f"is a {spec} file" in r.stderr and "only HDF5" in r.stderr, r.stderr
    with tap.case("nothing to tune: exit code 4 and why"):
        with h5py.File(f"{scratch}/hollow.h5", "w") as file:
            pass
        assert "no array that could be tuned" in tune(f"{scratch}/hollow.h5", code=4).stderr
        r = tune(two, "--access", ACCESS, "--array", "short", code=4)
        assert "reads nothing" in r.stderr, r.stderr
    with tap.case("--help tells patterns and exit codes"):
        r = tap.run("tune", "--help")
        assert "window" in r.stdout and re.search(r"4\s+nothing to tune", r.stdout), r.stdout
tap.done()
