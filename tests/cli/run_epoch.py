"""The epoch workload: verified rows with and without worker processes, what is recorded of them, and what
becomes of damage."""
import csv
import math
import os
import shutil
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

SOURCE = "synth:samples=5,frames=100:200"
FORMATS = ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked:level=4", "raw-mmap", "null"]


def rows(folder, name="results.csv"):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


def measure(folder, *args, source=SOURCE, code=0, blocks=1):
    result = tap.run("run", source, "-o", folder, "--cache", "warm", "--blocks", blocks, *args, code=code)
    return result, rows(folder)


def option(row, key):
    return dict(pair.split("=", 1) for pair in row["workload_options"].split(","))[key]


with tap.scratch() as tmp:
    base = os.path.join(tmp, "base")
    formats = [word for f in FORMATS for word in ("-f", f)]
    with tap.case("every format, 0, 1, 2 and 4 workers: verified, each sample once"):
        workloads = [word for n in (0, 1, 2, 4) for word in ("-w", f"epoch:workers={n},batch=2")]
        result, table = measure(base, *formats, *workloads, "--keep-files", blocks=2)
        assert all(r["status"] == "ok" for r in table), [r for r in table if r["status"] != "ok"]
        for r in table:
            assert r["verification"] == ("none" if r["format"] == "null" else "verified"), r
            assert r["requests"] == "5" and float(r["samples_per_s"]) > 0, r
        assert {option(r, "workers") for r in table} == {"0", "1", "2", "4"}
        handles = {f.split(":")[0]: {r["handle"] for r in table if r["format"] == f.split(":")[0]}
                   for f in FORMATS}
        assert handles["raw"] == handles["msgpack"] == {"once"}, handles
        assert handles["hdf5-chunked"] == handles["hdf5-contiguous"] == {"once", "each", "keep"}
    with tap.case("the plan has each selected array once, at the median length"):
        plan = [p for p in rows(base, "plan.csv") if "workers=2" in p["workload_options"]]
        assert sorted(p["array"] for p in plan) == [f"sample_00{i}/expert/face" for i in range(5)]
        length, = {int(p["max"]) for p in plan}
        assert all(p["op"] == "sample" and int(p["bytes"]) == length * 68 * 2 * 4 for p in plan)
        counts = sorted(int(p["count"].split()[0]) for p in plan)
        assert counts[2:] == [length] * 3 and counts[0] <= counts[1] <= length, counts
    with tap.case("what is in results.csv follows from batches.csv and iterations.csv"):
        batches, iterations = rows(base, "batches.csv"), rows(base, "iterations.csv")
        for r in table:
            own = [b for b in batches if b["cell_id"] == r["cell_id"]]
            timed = [i for i in iterations if i["cell_id"] == r["cell_id"] and i["warmup"] == "0"]
            assert len(own) == 3 * len(timed), r  # 5 samples in batches of 2
            waits = sorted(int(b["wait_ns"]) for b in own)
            assert int(r["batch_p50_ns"]) == int(statistics.median(waits)), r
            assert int(r["batch_p99_ns"]) == waits[math.ceil(0.99 * len(waits)) - 1], r
            share = sum(waits) / sum(int(i["ns"]) for i in timed)
            assert abs(float(r["wait_share"]) - share) < 1e-9 and 0 < share <= 1, r
            rate = int(r["requests"]) / int(r["median_ns"]) * 1e9
            assert abs(float(r["samples_per_s"]) / rate - 1) < 1e-9, r
            for i in timed:
                mine = [int(b["wait_ns"]) for b in own
                        if (b["block"], b["iteration"]) == (i["block"], i["iteration"])]
                assert len(mine) == 3 and sum(mine) <= int(i["ns"]), i
    with tap.case("counters and peak memory are those of all processes"):
        for r in table:
            if r["format"] != "hdf5-contiguous":
                continue
            kept = r["handle"] == "keep" and option(r, "workers") != "0"
            assert kept == (r["read_bytes"] == ""), r
            assert kept or int(r["read_bytes"]) >= int(r["request_bytes"]), r
        peaks = {option(r, "workers"): int(r["peak_bytes"]) for r in table
                 if r["format"] == "hdf5-chunked" and r["handle"] == "once"}
        assert peaks["1"] < peaks["2"] < peaks["4"], peaks
        # A sanitizer keeps what the one process has freed while it reads.
        assert tap.SANITIZED or peaks["0"] < peaks["1"], peaks
    with tap.case("the table shows samples a second; the scaling is a picture"):
        assert result.stdout.count("samples  check") == 4
        assert "waited" in result.stdout and "batch p50" in result.stdout
        for name in ("epoch-scaling.csv", "epoch-scaling.svg", "epoch-scaling.png"):
            assert os.path.getsize(os.path.join(base, "plots", name)) > 100
        points = rows(os.path.join(base, "plots"), "epoch-scaling.csv")
        assert {p["workers"] for p in points} == {"0", "1", "2", "4"}
        assert not any("null" in p["label"] for p in points)
    with tap.case("longer than the buffer of 64 MiB: delivered in parts, and verified"):
        _, big = measure(os.path.join(tmp, "big"), "-f", "hdf5-contiguous", "-w",
                         "epoch:workers=2,length=60000", "-w", "epoch:workers=0,length=60000,batch=1",
                         "--handle", "once", "--no-plots")
        assert all(r["status"] == "ok" and r["verification"] == "verified" for r in big), big
    with tap.case("a step that the consumer computes is time of the epoch, not of waiting"):
        _, step = measure(os.path.join(tmp, "step"), "-f", "raw-mmap", "-w",
                          "epoch:step_us=20000,batch=1", "--handle", "keep", "--no-plots")
        assert int(step[0]["median_ns"]) >= 100e6 and float(step[0]["wait_share"]) < 0.9, step
    with tap.case("one flipped byte makes the rows wrong-data, whoever reads it"):
        damaged = os.path.join(tmp, "damaged")
        os.mkdir(damaged)
        for name in os.listdir(os.path.join(base, "files")):
            if "contiguous" in name:
                shutil.copy(os.path.join(base, "files", name), damaged)
        h5, = [os.path.join(damaged, n) for n in os.listdir(damaged) if not n.endswith(".json")]
        with open(h5, "rb") as file:
            data = bytearray(file.read())
        import h5py
        with h5py.File(h5) as file:
            offset = file["sample_002/expert/face"].id.get_offset()
        data[offset + 17] ^= 0x40
        with open(h5, "wb") as file:
            file.write(data)
        folder = os.path.join(tmp, "wrong")
        result = tap.run("run", "--files", damaged, "-o", folder, "--cache", "warm", "--blocks", 1,
                         "--no-plots", "-w", "epoch:workers=0", "-w", "epoch:workers=2", code=1)
        found = rows(folder)
        assert len(found) == 6 and all(r["status"] == "wrong-data" for r in found), found
        assert all("sample_002/expert/face" in r["reason"] and r["samples_per_s"] == "" for r in found)
        assert not os.path.exists(os.path.join(folder, "batches.csv"))
    with tap.case("a file that a worker process cannot open fails the row with the reason"):
        with open(h5, "wb") as file:
            file.write(b"\x89HDF\r\n\x1a\n" + bytes(5000))
        folder = os.path.join(tmp, "unopened")
        tap.run("run", "--files", damaged, "-o", folder, "--cache", "warm", "--blocks", 1,
                "--no-plots", "-w", "epoch:workers=2", code=1)
        for r in rows(folder):
            assert r["status"] == "failed" and "of 2:" in r["reason"] and ".h5" in r["reason"], r
    with tap.case("arrays that cannot be stacked, and batches that fit no memory, are not applicable"):
        _, found = measure(os.path.join(tmp, "na"), "-f", "raw", "-w", "epoch:array=*", "-w",
                           "epoch:array=*/expert/*", "-w", "epoch:batch=1000000,length=1000000",
                           "--memory-limit", "2GB", "--no-plots", code=4)
        reasons = [r["reason"] for r in found]
        assert all(r["status"] == "not-applicable" for r in found), found
        assert "cannot be stacked" in reasons[0] and "cannot be stacked" in reasons[1], reasons
        assert "under way" in reasons[2] and "--memory-limit" in reasons[2], reasons
    with tap.case("wrong words are usage errors"):
        for spec in ("epoch:batch=0", "epoch:workers=65", "epoch:prefetch=0", "epoch:lenght=5",
                     "epoch:step_us=-1", "epoch:workers=x"):
            tap.run("run", SOURCE, "-w", spec, "-o", os.path.join(tmp, "usage"), code=2)
    with tap.case("beside it, whole processes are not timed, and explain knows it"):
        _, found = measure(os.path.join(tmp, "whole"), "-f", "hdf5-chunked", "-w", "epoch:workers=1",
                           "--handle", "once", "--whole-process", "--no-plots")
        assert [r["status"] for r in found] == ["ok", "not-applicable"], found
        file = os.path.join(tmp, "e.h5")
        tap.run("gen", "-o", file, "-f", "hdf5-chunked", "--samples", 2, "--frames", "50:90")
        assert "epoch" in tap.run("explain", file, "-w", "epoch:workers=2").stdout
tap.done()
