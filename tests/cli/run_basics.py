"""`fmtbench run`: what it writes, what it prints, how it ends."""
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

SMALL = "synth:samples=3,frames=150:400"

# By name, in the order of the program's own table.
WORKLOADS = [line.split("`")[1] for line in tap.run("list", "--markdown").stdout
             .split("| workload |")[1].split("\n\n")[0].splitlines() if line.startswith("| `")]


def rows(folder, name="results.csv"):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


def measure(folder, *args, code=0, source=SMALL):
    result = tap.run("run", *([source] if source else []), "--no-plots", "-o", folder, *args,
                     code=code)
    return result, rows(folder) if code in (0, 1) and os.path.exists(folder) else []


with tap.scratch() as tmp:
    with tap.case("all formats, workloads, caches and handles give verified, proven rows"):
        folder = os.path.join(tmp, "all")
        result, table = measure(folder, "--blocks", 1)
        done = [r for r in table if r["status"] == "ok"]
        assert {r["format"] for r in done} == {"raw", "raw-mmap", "msgpack", "hdf5-contiguous",
                                               "hdf5-chunked", "null"}
        assert {r["workload"] for r in done} == {"full-load", "scan", "random-access", "slicing",
                                                 "search"}
        for r in table:
            if r["format"] == "null":
                assert r["verification"] == "none" or r["status"] == "not-applicable", r
                continue
            assert r["status"] == "ok" and r["verification"] == "verified", r
            assert r["cache_state"] == "proven", r
            assert int(r["median_ns"]) > 0 and int(r["blocks"]) == 1 and r["lower_ns"] == "", r
            assert int(r["file_bytes"]) > 0 and int(r["write_ns"]) > 0, r
            assert int(r["write_cpu_ns"]) > 0, r
        levels = {r["options"] for r in done if r["format"] == "hdf5-chunked"}
        assert len(levels) == 3, levels
    with tap.case("storage facts are in neutral columns"):
        chunked = [r for r in table if r["format"] == "hdf5-chunked" and "level=4" in r["options"]
                   and r["workload"] == "slicing"]
        assert all(r["layout"] == "chunked" and r["filters"] == "gzip(4)" for r in chunked)
        assert all(len(r["chunk"].split("x")) == 3 for r in chunked)
        assert all(int(r["chunk_cache_bytes"]) == 1 << 20 for r in chunked)
        assert all(r["layout"] == "contiguous" and r["chunk"] == "" and r["filters"] == ""
                   for r in table if r["format"] == "hdf5-contiguous" and r["workload"] == "scan")
    with tap.case("loads_whole formats have only `once`; each and keep stand beside it elsewhere"):
        for r in table:
            if r["format"] in ("raw", "msgpack"):
                assert r["handle"] == "once", r
        handles = {r["handle"] for r in table
                   if r["format"] == "hdf5-chunked" and r["workload"] == "slicing"}
        assert handles == {"once", "each", "keep"}
    with tap.case("the table and a sentence for each workload are on stdout"):
        for word in ("full-load", "scan", "random-access", "slicing", "search", "verified",
                     "results.csv"):
            assert word in result.stdout, word
        sentences = [line for line in result.stdout.splitlines()
                     if "as fast as" in line or "not told apart" in line]
        assert sum(line.startswith("slicing: ") for line in sentences) == 1
        assert "\x1b" not in result.stdout + result.stderr
    with tap.case("iterations.csv holds every timed execution, plan.csv every request with its hash"):
        iterations = rows(folder, "iterations.csv")
        blocks = rows(folder, "blocks.csv")
        for r in done:
            own = [i for i in iterations if i["cell_id"] == r["cell_id"] and i["warmup"] == "0"]
            assert len(own) == int(r["iterations"]) > 0
            block, = [b for b in blocks if b["cell_id"] == r["cell_id"]]
            assert block["block"] == own[0]["block"] and int(block["iterations"]) == len(own)
            assert int(block["asked_bytes"]) == int(r["request_bytes"]) * int(block["counted"])
            assert int(block["counted"]) == 1, block  # short ones apart, long ones as they are timed
            assert int(block["wall_ns"]) >= sum(int(i["ns"]) for i in own)
        plan = rows(folder, "plan.csv")
        assert all(len(row["hash"]) == 32 for row in plan)
        for r in done:
            assert sum(row["workload"] == r["workload"] for row in plan) == int(r["requests"])
    with tap.case("environment.json names machine, libraries and the run"):
        with open(os.path.join(folder, "environment.json")) as file:
            env = json.load(file)
        for key in ("cpu", "cores", "governor", "kernel", "filesystem", "device", "memory_bytes",
                    "libraries", "compiler", "compiler_flags", "load", "commit", "run"):
            assert env[key] not in ("", None), key
        assert env["run"]["seed"] == 1 and env["libraries"]["hdf5-chunked"]
    with tap.case("counters: what the formats read, to the byte"):
        for r in done:
            if r["workload"] == "scan" and r["format"] in ("raw", "hdf5-contiguous"):
                # raw's file holds its arrays and an index; HDF5's some metadata.
                assert int(r["dataset_bytes"]) <= int(r["read_bytes"]) <= int(r["file_bytes"]) * 1.1, r
                assert float(r["read_amplification"]) >= 1, r
            if r["format"] == "null":
                assert (r["read_bytes"], r["read_calls"], r["device_bytes"]) == ("0", "0", "0"), r
            if r["cache"] == "cold" and r["workload"] == "full-load":
                assert int(r["device_bytes"]) >= 0.95 * int(r["file_bytes"]), r
            if r["cache"] == "warm":
                assert r["device_bytes"] == "0", r
            assert int(r["minor_faults"]) >= 0 and int(r["user_ns"]) + int(r["system_ns"]) >= 0, r
            assert float(r["throughput"]) > 0 and int(r["peak_bytes"]) > 1 << 20, r
    with tap.case("the floor is measured for what reads data of an HDF5 file, and shared by handles"):
        for r in done:
            if r["format"].startswith("hdf5") and r["workload"] in ("scan", "slicing", "full-load"):
                assert int(r["floor_read_ns"]) > 0 and float(r["times_floor"]) > 0, r
                assert int(r["floor_ns"]) == int(r["floor_read_ns"]) + int(r["floor_inflate_ns"]), r
            if r["workload"] == "search" or r["format"] == "null":
                assert r["floor_ns"] == r["times_floor"] == "", r
        assert "x floor" in result.stdout
    with tap.case("files are gone afterwards"):
        assert sorted(os.listdir(folder)) == ["blocks.csv", "environment.json", "iterations.csv", "plan.csv",
                                              "results.csv"]

    with tap.case("the same seed gives the same plan and cell ids, another seed another plan"):
        plans = []
        for name, seed in (("s1", 7), ("s2", 7), ("s3", 8)):
            folder = os.path.join(tmp, name)
            _, table = measure(folder, "-f", "raw", "--cache", "warm", "--blocks", 1, "--seed", seed,
                               "-w", "slicing", "-w", "random-access")
            plans.append((rows(folder, "plan.csv"), [r["cell_id"] for r in table]))
        assert plans[0] == plans[1] and plans[0][0] != plans[2][0]

    with tap.case("random access reads each array once, slices are whole disjoint windows"):
        _, table = measure(os.path.join(tmp, "w"), "-f", "raw", "--cache", "warm", "--blocks", 1,
                           "-w", "random-access:array=*,n=0", "-w", "slicing:window=70,n=0")
        plan = rows(os.path.join(tmp, "w"), "plan.csv")
        paths = [p["array"] for p in plan if p["workload"] == "random-access"]
        assert len(paths) == len(set(paths)) == 18 and paths != sorted(paths)
        spans = {}
        for p in plan:
            if p["workload"] == "slicing":
                start, count = int(p["start"].split()[0]), int(p["count"].split()[0])
                assert count == 70
                for frame in range(start, start + count):
                    assert (p["array"], frame) not in spans
                    spans[p["array"], frame] = True
    with tap.case("column, feature, batch-stats, metadata and open ask for what they say"):
        folder = os.path.join(tmp, "request")
        result, table = measure(folder, "-f", "raw-mmap", "-f", "hdf5-chunked", "-f", "null", "-w",
                                "all", "--cache", "warm", "--blocks", 1)
        assert all(r["status"] == "ok" for r in table), table
        plan = {}
        for p in rows(folder, "plan.csv"):
            plan.setdefault(p["workload"], []).append(p)
        assert list(plan) == WORKLOADS
        assert [p["joined"] for p in plan["load-sample"]] == ["", "1", "1"] * 3
        assert [p["array"] for p in plan["column"]] == [p["array"] for p in plan["random-access"]]
        for p in plan["column"]:
            assert p["start"] == "0 30 0" and p["count"].split()[1:] == ["1", "2"], p
            assert int(p["bytes"]) == 8 * int(p["count"].split()[0]), p
        aus = [f"sample_00{i}/{who}/aus" for i in range(3) for who in ("expert", "novice")]
        assert [p["array"] for p in plan["feature"]] == aus
        assert [p["array"] for p in plan["batch-stats"]] == aus
        assert all(p["op"] == "mean" and p["bytes"] == "136" for p in plan["batch-stats"])
        assert [(p["op"], p["array"], p["count"]) for p in plan["metadata"]] == [("catalog", "", "")]
        assert [(p["op"], p["bytes"], p["count"]) for p in plan["open"]] == [("read", "0", "0 68 2")]
        assert plan["open"][0]["array"] == plan["random-access"][0]["array"]
    with tap.case("of one request `each` is `once` again: it is measured only when asked for"):
        def handles(folder, *args):
            _, table = measure(folder, "-f", "raw-mmap", "--cache", "warm", "--blocks", 1, *args)
            return {r["handle"] for r in table if r["status"] == "ok"}
        assert handles(os.path.join(tmp, "h1"), "-w", "open") == {"once", "keep"}
        assert handles(os.path.join(tmp, "h2"), "-w", "column:n=2") == {"once", "keep", "each"}
        assert handles(os.path.join(tmp, "h3"), "-w", "column:n=1") == {"once", "keep"}
        assert handles(os.path.join(tmp, "h4"), "-w", "open", "--handle", "each") == {"each"}
    with tap.case("the table of batch-stats shows peak memory, and lines stay within 100 columns"):
        text = result.stdout.split("batch-stats: ")[1].split("\n\n")[0].splitlines()
        assert text[1].split()[-2:] == ["peak", "check"], text
        peaks = [int(r["peak_bytes"]) for r in table if r["workload"] == "batch-stats"]
        assert len(peaks) == len(text) - 2 and all(p > 1e6 for p in peaks)
        assert all(line.split()[-3] != "-" and line.split()[-2] == "MB" or line.endswith("no check")
                   for line in text[2:]), text
        assert "peak: " in result.stdout and max(map(len, result.stdout.splitlines())) <= 100
        other = result.stdout.split("feature: ")[1].split("\n\n")[0].splitlines()
        assert other[1].split()[-2:] == ["file", "check"], other
    with tap.case("opening again takes no more fresh memory than opening once"):
        _, table = measure(os.path.join(tmp, "faults"), "-f", "hdf5-contiguous", "-w",
                           "random-access", "--cache", "warm", "--blocks", 1, "--handle", "once,each")
        faults = {r["handle"]: int(r["minor_faults"]) for r in table}
        assert faults["each"] <= 2 * faults["once"] + (500 if tap.SANITIZED else 50), faults
    with tap.case("-w all stands for every workload, others may stand beside it"):
        folder = os.path.join(tmp, "beside")
        _, table = measure(folder, "-f", "raw-mmap", "--cache", "warm", "--blocks", 1, "--handle",
                           "once", "-w", "all", "-w", "slicing:window=7")
        assert len(table) == len(WORKLOADS) + 1 and table[-1]["workload_options"].startswith("array=*/expert/face")
        assert "window=7" in table[-1]["workload_options"]
        tap.run("run", SMALL, "-o", os.path.join(tmp, "allopts"), "-w", "all:n=3", code=2)
    with tap.case("dtype=f32 of a float64 dataset is checked as narrowed in these workloads too"):
        _, table = measure(os.path.join(tmp, "f64all"), "-f", "raw", "-f", "hdf5-chunked:dtype=f32",
                           "-w", "all", "--cache", "warm", "--blocks", 1, "--handle", "once",
                           source=SMALL + ",dtype=f64")
        assert len(table) == 2 * len(WORKLOADS)
        checked = {w: "none" if w == "open" else "verified" for w in {r["workload"] for r in table}}
        assert all(r["status"] == "ok" and r["verification"] == checked[r["workload"]]
                   for r in table), table
    with tap.case("n and window are clipped to what there is, and both are recorded"):
        _, table = measure(os.path.join(tmp, "clip"), "-f", "raw", "--cache", "warm", "--blocks", 1,
                           "-w", "random-access:n=500", "-w", "slicing:window=100000,n=500")
        assert [r["requests"] for r in table] == ["3", "3"]
        assert all("n=500" in r["workload_options"] for r in table)
        plan = rows(os.path.join(tmp, "clip"), "plan.csv")
        assert all(int(p["count"].split()[0]) <= 400 for p in plan)

    with tap.case("a workload without a target is not-applicable, with the reason"):
        result, table = measure(os.path.join(tmp, "na"), "-f", "raw", "--cache", "warm", "-w",
                                "slicing:axis=5", "-w", "scan", "--blocks", 1)
        na = [r for r in table if r["workload"] == "slicing"]
        assert na[0]["status"] == "not-applicable" and "axis 5" in na[0]["reason"]
        assert "axis 5" in result.stdout
        measure(os.path.join(tmp, "na2"), "-f", "raw", "-w", "scan:array=nothing*", code=4)

    with tap.case("six blocks give an interval of order statistics"):
        _, table = measure(os.path.join(tmp, "six"), "-f", "hdf5-contiguous", "-w", "slicing",
                           "--cache", "warm", "--handle", "once", "--blocks", 6)
        r, = table
        assert int(r["lower_ns"]) <= int(r["median_ns"]) <= int(r["upper_ns"])
        assert float(r["interval_level"]) == 0.96875 and r["blocks"] == "6"
        assert (r["stop_reason"], r["looks"]) == ("blocks", "0")
    with tap.case("without a number of blocks a run stops for a stated reason"):
        _, table = measure(os.path.join(tmp, "stop"), "-f", "raw", "-f", "null", "-w", "slicing",
                           "--cache", "warm", "--handle", "once", "--time-limit", 3)
        for r in table:
            assert r["stop_reason"] in ("precision", "time-limit", "most-blocks"), r
            assert int(r["blocks"]) >= 6, r
            if r["stop_reason"] == "precision":
                assert int(r["looks"]) >= 1 and int(r["blocks"]) == 4 * 2 ** int(r["looks"]), r
                reach = max(int(r["upper_ns"]) - int(r["median_ns"]),
                            int(r["median_ns"]) - int(r["lower_ns"]))
                assert reach <= 0.03 * int(r["median_ns"]), r
    with tap.case("a coarse precision is reached at the first look, at eight blocks"):
        _, table = measure(os.path.join(tmp, "coarse"), "-f", "hdf5-contiguous", "-w", "scan",
                           "--cache", "warm,cold", "--precision", 10000, "--time-limit", 60)
        assert all((r["stop_reason"], r["looks"], r["blocks"]) == ("precision", "1", "8")
                   for r in table), table
        assert all(r["interval_level"] == "0.98" for r in table)
    with tap.case("a workload asked for twice is measured once"):
        _, table = measure(os.path.join(tmp, "twice"), "-f", "raw", "-w", "scan", "-w", "scan:window=0",
                           "-w", "scan:window=50", "--cache", "warm", "--blocks", 2)
        assert [r["blocks"] for r in table] == ["2", "2"], table
        assert len({r["cell_id"] for r in table}) == 2
    with tap.case("memory or time that a floor would need is no reason to fail"):
        _, table = measure(os.path.join(tmp, "tight"), "-f", "raw", "-w", "full-load", "--cache", "warm",
                           "--blocks", 1, "--memory-limit", "75MB" if tap.SANITIZED else "60MB",
                           source="synth:samples=24")
        assert [(r["status"], r["floor_ns"]) for r in table] == [("ok", "")], table
    with tap.case("--no-counters leaves the counters empty"):
        _, table = measure(os.path.join(tmp, "blind"), "-f", "raw", "-w", "scan", "--cache", "warm",
                           "--blocks", 1, "--no-counters")
        assert all(r["read_bytes"] == r["user_ns"] == r["minor_faults"] == "" for r in table)
    with tap.case("what cannot be cold is unproven, and its filesystem named"):
        if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK):
            with tempfile.TemporaryDirectory(dir="/dev/shm") as shm:
                result, table = measure(os.path.join(shm, "r"), "-f", "raw", "-w", "scan",
                                        "--blocks", 1)
            states = {r["cache"]: r["cache_state"] for r in table}
            assert states == {"warm": "proven", "cold": "cold-unproven"}, states
            assert "tmpfs" in result.stdout and "cold?" in result.stdout
            assert [r["times_fastest"] for r in table if r["cache"] == "cold"] == [""]

    with tap.case("a run folder is never overwritten"):
        before = sorted(os.listdir(os.path.join(tmp, "six")))
        result, _ = measure(os.path.join(tmp, "six"), code=2)
        assert "holds a run already" in result.stderr
        assert sorted(os.listdir(os.path.join(tmp, "six"))) == before

    with tap.case("dtype=f32 narrows a float64 dataset, and is checked as narrowed"):
        _, table = measure(os.path.join(tmp, "f64"), "-f", "raw", "-f", "raw:dtype=f32", "-f",
                           "hdf5-chunked:dtype=f32", "--cache", "warm", "--blocks", 1,
                           source=SMALL + ",dtype=f64")
        assert all(r["status"] == "ok" and r["verification"] == "verified" for r in table)
        size = {r["options"]: int(r["dataset_bytes"]) for r in table if r["format"] == "raw"}
        assert size["dtype=source"] == 2 * size["dtype=f32"]

    with tap.case("wrong words are usage errors that name the nearest right one"):
        for args, word in ((["-f", "hdf5-chunkd"], "hdf5-chunked"), (["-w", "slicin"], "slicing"),
                           (["-f", "hdf5-chunked:level=10"], "0 to 9"),
                           (["-f", "hdf5-chunked:lvel=4"], "level"),
                           (["--cache", "hot"], "warm"), (["--handle", "never"], "once"),
                           (["--blocks", "0"], "1 to"), (["--precision", "0"], "percent"),
                           (["--precision", "x"], "percent"), (["--time-limit", "0"], "1 to"),
                           (["--blocks", "3", "--precision", "2"], "one of them"), (["-w", "slicing:window=x"], "window"),
                           (["-w", "full-load:window=3"], "no option 'window'"),
                           (["--max-bytes", "many"], "size")):
            folder = os.path.join(tmp, "bad")
            result = tap.run("run", SMALL, "-o", folder, *args, code=2)
            assert word in result.stderr, (args, result.stderr)
            assert not os.path.exists(folder) or not os.listdir(folder), args

    with tap.case("options that do not fit the dataset are refused before anything is measured"):
        folder = os.path.join(tmp, "misfit")
        for option in ("chunk=9000x68x2", "chunk=9000x9x9", "rows=5,chunk=4x4x4"):
            result = tap.run("run", SMALL, "-o", folder, "-f", f"hdf5-chunked:{option}", "-f", "raw",
                             code=2)
            assert "chunk" in result.stderr and not os.path.exists(folder), option
    with tap.case("an empty run folder that was there stays when nothing comes of the run"):
        folder = os.path.join(tmp, "there")
        os.mkdir(folder)
        tap.run("run", "-w", "nosuch", "-o", folder, code=2)
        assert os.listdir(folder) == []
    with tap.case("Ctrl-C while files are written leaves nothing"):
        for delay in (0.1, 0.3, 0.6, 1.0):
            folder = os.path.join(tmp, "stopped")
            process = subprocess.Popen([tap.FMTBENCH, "run", "synth:samples=300", "-o", folder,
                                        "--no-plots"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, start_new_session=True)
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=60)
            # A signal before the handlers stand ends it as signals do.
            assert process.returncode in (1, -signal.SIGINT), process.returncode
            assert not os.path.exists(folder), os.listdir(folder)

    with tap.case("--quick gives a table"):
        result, table = measure(os.path.join(tmp, "quick"), "--quick", source=None)
        assert len(table) == 20 and all(r["status"] == "ok" for r in table)
tap.done()
