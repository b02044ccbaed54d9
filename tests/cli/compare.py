"""`fmtbench compare`: two stored runs, what it says of them, and what it refuses."""
import csv
import json
import math
import os
import shutil
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

AT_ONCE = 30


def read(path):
    return list(csv.DictReader(open(path, newline="", errors="surrogateescape")))


def write(path, rows):
    with open(path, "w", newline="", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def copy(source, name, times=None, cells=None, **facts):
    """A copy of a run; times(row) -> ns of each iteration, cells(row) changes rows of results.csv."""
    folder = f"{scratch}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    if times:
        rows = read(f"{folder}/iterations.csv")
        for row in rows:
            row["ns"] = str(round(times(row)))
        write(f"{folder}/iterations.csv", rows)
    if cells:
        rows = read(f"{folder}/results.csv")
        for row in rows:
            cells(row)
        write(f"{folder}/results.csv", rows)
    if facts:
        environment = json.load(open(f"{folder}/environment.json"))
        environment.update(facts)
        with open(f"{folder}/environment.json", "w") as file:
            json.dump(environment, file)
    return folder


def compare(*args, code=0, **kwargs):
    return tap.run("compare", *args, code=code, timeout=AT_ONCE, **kwargs)


def cells_of(*args):
    return json.loads(compare(*args, "--json").stdout)["cells"]


def block_medians(folder, cell):
    blocks = {}
    for row in read(f"{folder}/iterations.csv"):
        if row["cell_id"] == cell and row["warmup"] == "0":
            blocks.setdefault(row["block"], []).append(int(row["ns"]))
    return [statistics.median(block) for block in blocks.values()]


with tap.scratch() as scratch:
    # A file of its own name; eight blocks of few requests.
    tap.run("gen", "-o", f"{scratch}/own.h5", "-f", "hdf5-chunked", "--samples", 2, "--frames", "40:60")
    for name in ("one", "two"):
        tap.run("run", f"{scratch}/own.h5", "-f", "raw", "-f", "hdf5-chunked", "-f", "null", "-w",
                "slicing:window=10", "-w", "full-load", "--handle", "once", "--cache", "warm", "--blocks", 8,
                "--no-plots", "-o", f"{scratch}/{name}")
    one, two = f"{scratch}/one", f"{scratch}/two"
    measured = [row for row in read(f"{one}/results.csv") if row["status"] == "ok"]
    assert len(measured) == 6, len(measured)

    with tap.case("two real runs: every figure follows from their files"):
        cells = cells_of(one, two)
        assert len(cells) == len(measured)
        by_id = {row["cell_id"]: row for row in read(f"{one}/results.csv")}
        for cell in cells:
            a, b = (block_medians(folder, cell["cell_id"]) for folder in (one, two))
            assert cell["old_blocks"] == cell["new_blocks"] == len(a) == len(b) == 8
            medians = [int(statistics.median(side)) for side in (a, b)]
            assert abs(cell["old_median_ns"] - medians[0]) <= 1 and abs(cell["new_median_ns"] - medians[1]) <= 1
            assert math.isclose(cell["change"], cell["new_median_ns"] / cell["old_median_ns"] - 1, abs_tol=1e-12)
            # Of 8 and 8 the critical value is 13: the 14th smallest and largest of 64 ratios.
            ratios = sorted(int(y) / int(x) for x in a for y in b)
            assert math.isclose(cell["change_lower"], ratios[13] - 1, rel_tol=1e-6, abs_tol=1e-9), cell
            assert math.isclose(cell["change_upper"], ratios[-14] - 1, rel_tol=1e-6, abs_tol=1e-9), cell
            assert 0.9501 < cell["interval_level"] < 0.9502 and cell["threshold"] == 0.02
            for key in ("format", "options", "workload", "workload_options", "cache", "handle", "clock"):
                assert cell[key] == by_id[cell["cell_id"]][key]
            for key in ("file_bytes", "read_bytes", "read_calls", "floor_copy_ns", "floor_read_ns"):
                text = by_id[cell["cell_id"]][key]
                assert cell[f"old_{key}"] == (int(text) if text else None), (key, cell)
            inside = -0.02 <= cell["change_lower"] and cell["change_upper"] <= 0.02
            expected = "alike" if inside else "slower" if cell["change_lower"] > 0 else \
                "faster" if cell["change_upper"] < 0 else "unclear"
            assert cell["word"] == expected or (cell["word"] == "unclear" and cell["reason"]), cell
    with tap.case("what is below the table: how far the machine moved, and the gate"):
        answer = json.loads(compare(one, two, "--json").stdout)
        machine = answer["machine"]
        ratios = sorted(c["new_floor_copy_ns"] / c["old_floor_copy_ns"] for c in answer["cells"]
                        if c["old_floor_copy_ns"] and c["new_floor_copy_ns"])
        assert machine["floor_copy"]["cells"] == len(ratios) > 0
        assert math.isclose(machine["floor_copy"]["ratio"], statistics.median(ratios), rel_tol=1e-9)
        text = " ".join(compare(one, two).stdout.split())
        assert f"copying the same bytes took {machine['floor_copy']['ratio']:.2f}x as long" in text, text
        assert f"warm, took {machine['floor_read']['ratio']:.2f}x as long" in text, text
        assert "Weaker than a gate" in text and "'fmtbench gate' measures both sides in pairs" in text
        assert machine["caution"] in text, (machine["caution"], text)
        assert answer["old"]["run_id"] == measured[0]["run_id"] and answer["forced"] == ""

    # Times in which blocks differ by some percent, as far as words depend on them.
    calm = copy(one, "calm", lambda row: 10**6 * (1 + int(row["block"]) * 7 % 5 / 100))
    slow = copy(calm, "slow", lambda row: int(row["ns"]) * 1.3)
    with tap.case("times 1.3: slower by about 30 %; the other way round faster; itself alike or unclear"):
        for cell in cells_of(calm, slow):
            assert cell["word"] == "slower" and abs(cell["change"] - 0.3) < 0.001, cell
            assert 0.2 < cell["change_lower"] < 0.3 < cell["change_upper"] < 0.4, cell
        for cell in cells_of(slow, calm):
            assert cell["word"] == "faster" and abs(cell["change"] + 0.3 / 1.3) < 0.001, cell
        assert {cell["word"] for cell in cells_of(calm, calm, "--threshold", "+10%")} == {"alike"}
        assert {cell["word"] for cell in cells_of(calm, calm, "--threshold", "0.1")} == {"unclear"}
        assert {cell["word"] for cell in cells_of(calm, slow, "--threshold=50%")} == {"alike"}
        # Real times scatter, but what they are multiplied by is seen all the same.
        loud = copy(one, "loud", lambda row: int(row["ns"]) * 1.3)
        for cell in cells_of(one, loud):
            assert abs(cell["change"] - 0.3) < 0.01, cell
    with tap.case("the table: worst first, within the width, with colour when asked"):
        factors = {measured[-1]["cell_id"]: 1.3, measured[0]["cell_id"]: 0.5}
        half = copy(calm, "half", lambda row: int(row["ns"]) * factors.get(row["cell_id"], 1.01))
        r = compare(calm, half, "--threshold", "10")
        words = [line.split()[-1] for line in r.stdout.splitlines()[1:7]]
        assert words == ["slower", "faster"] + ["alike"] * 4, r.stdout
        assert "6 cells: 1 slower, 1 faster, 4 alike\n" in r.stdout and not r.stderr
        assert max(map(len, r.stdout.splitlines())) <= 100 and "\x1b" not in r.stdout
        assert "\x1b[31m" in compare(calm, half, "--color=always").stdout
        assert [cell["word"] for cell in cells_of(calm, half, "--threshold", "10")] == words
    with tap.case("-o: compare.csv with what --json says; a folder that holds something is refused"):
        out = f"{scratch}/out/deep"
        r = compare(calm, slow, "-o", out)
        assert r.stdout.endswith(f"\n{out}/compare.csv\n") and os.listdir(out) == ["compare.csv"]
        cells, rows = cells_of(calm, slow), read(f"{out}/compare.csv")
        assert len(cells) == len(rows)
        for cell, row in zip(cells, rows):
            assert row.pop("schema_version") == "2" and set(row) == set(cell)
            for key, value in cell.items():
                assert row[key] == ("" if value is None else value if isinstance(value, str) else row[key])
                assert isinstance(value, (str, type(None))) or float(row[key]) == value, (key, row[key], value)
        for folder in (out, one):
            before = sorted(os.listdir(folder))
            r = compare(calm, slow, "-o", folder, code=2)
            assert "already" in r.stderr and sorted(os.listdir(folder)) == before, r.stderr
        r = compare(calm, slow, "-o", f"{scratch}/out/json", "--json")
        json.loads(r.stdout)
        assert r.stderr == f"{scratch}/out/json/compare.csv\n"

    with tap.case("one side failed, has too few blocks, is missing; and what counters say"):
        ids = [row["cell_id"] for row in measured]

        def change(row):
            if row["cell_id"] == ids[0]:
                row.update(status="wrong-data", reason="request 3\x1b[31m", median_ns="", lower_ns="",
                           upper_ns="", blocks="0", iterations="0")
            elif row["cell_id"] == ids[1]:
                row["iterations"] = str(sum(r["cell_id"] == ids[1] for r in kept if r["warmup"] == "0"))
            elif row["cell_id"] == ids[3]:
                row.update(file_bytes="5", read_calls="77")
        kept, blocks = [], set()
        for row in read(f"{calm}/iterations.csv"):
            if row["cell_id"] == ids[1]:
                blocks.add(row["block"])
            if row["cell_id"] not in (ids[0], ids[2]) and (row["cell_id"] != ids[1] or len(blocks) < 6):
                kept.append(row)
        odd = copy(calm, "odd", None, change)
        write(f"{odd}/iterations.csv", kept)
        write(f"{odd}/results.csv", [row for row in read(f"{odd}/results.csv") if row["cell_id"] != ids[2]])
        found = {cell["cell_id"]: cell for cell in cells_of(calm, odd)}
        assert [found[i]["word"] for i in ids[:3]] == ["failed", "unclear", "only old"], found
        assert found[ids[0]]["reason"] == "NEW: wrong-data, request 3?[31m", found[ids[0]]
        assert found[ids[0]]["new_median_ns"] is None and found[ids[0]]["change"] is None
        assert found[ids[1]]["reason"] == "8 and 5 blocks; an interval needs 6 of each"
        assert found[ids[1]]["change_lower"] is None and found[ids[1]]["change"] is not None
        assert "read calls" in found[ids[3]]["counters"] and " -> 5 (" in found[ids[3]]["counters"]
        assert {cell["cell_id"]: cell["word"] for cell in cells_of(odd, calm)}[ids[2]] == "only new"
        r = compare(calm, odd)
        assert "\x1b" not in r.stdout and "NEW: wrong-data" in r.stdout and " -> 5 (" in r.stdout, r.stdout

    with tap.case("other machines, kernels and datasets are refused; --force compares and says so"):
        def forced(other, words):
            for pair in ((calm, other), (other, calm)):
                r = compare(*pair, code=2)
                assert words in r.stderr and "--force" in r.stderr and not r.stdout, r.stderr
                r = compare(*pair, "--force")
                assert r.stdout.startswith("FORCED, ") and words in " ".join(r.stdout.split()), r.stdout
                answer = json.loads(compare(*pair, "--force", "--json").stdout)
                assert words in answer["forced"]
                assert all(words in cell["forced"] for cell in answer["cells"]) and answer["cells"]
        forced(copy(calm, "other", cores=77), "77")
        forced(copy(calm, "other", cpu="Z80"), "Z80")
        forced(copy(calm, "other", kernel="Linux 0.1"), "Linux 0.1")
        forced(copy(calm, "other", memory_bytes=1 << 40), "1024 GiB")
        forced(copy(calm, "other", filesystem="tmpfs2"), "tmpfs2")
        forced(copy(calm, "other", None, lambda row: row.update(dataset="/x/other.h5")), "other.h5")
        forced(copy(calm, "other", None, lambda row: row.update(dataset_bytes="12345")), "own.h5 of ")
        r = compare(calm, calm, "--force")
        assert "FORCED" not in r.stdout
        # Another folder, or time, is no other dataset or machine.
        moved = copy(calm, "moved", None, lambda row: row.update(dataset="/else/own.h5"), time="2020-01-01T00:00:00Z",
                     commit="x", load="9 9 9")
        assert cells_of(calm, moved)
    with tap.case("no cell in both: nothing to compare"):
        few = f"{scratch}/few"
        tap.run("run", f"{scratch}/own.h5", "-f", "raw", "-w", "scan", "--handle", "once", "--cache", "warm",
                "--blocks", 1, "--no-plots", "-o", few)
        r = compare(one, few, code=4)
        assert "no cell was measured in both" in r.stderr and not r.stdout, r.stderr
        compare(one, few, "--force", "-o", f"{scratch}/none", code=4)
        assert not os.path.exists(f"{scratch}/none")

    with tap.case("missing, truncated and foreign files: a clear word, exit 1"):
        def refuse(words, code=1, name="broken"):
            for pair in ((f"{scratch}/{name}", calm), (calm, f"{scratch}/{name}")):
                r = compare(*pair, "--force", code=code)
                assert words in r.stderr and not r.stdout, r.stderr
                assert "\x1b" not in r.stderr

        def edit(name, function):
            copy(calm, "broken")
            with open(f"{scratch}/broken/{name}", "rb") as file:
                text = file.read()
            with open(f"{scratch}/broken/{name}", "wb") as file:
                file.write(function(text))

        for name in ("results.csv", "iterations.csv", "environment.json"):
            copy(calm, "broken")
            os.remove(f"{scratch}/broken/{name}")
            refuse(f"broken/{name}")
            os.mkfifo(f"{scratch}/broken/{name}")
            refuse(f"broken/{name}")
            edit(name, lambda text: text[:len(text) // 2])
            refuse(f"broken/{name}")
            edit(name, lambda text: b"")
            refuse(f"broken/{name}")
            edit(name, lambda text: b"\x89HDF\r\n\x1a\n\0" + text)
            refuse(f"broken/{name}")
        # Cut between two lines, which only the other file tells.
        edit("iterations.csv", lambda text: b"".join(text.splitlines(True)[:-4]))
        refuse("one was cut short")
        edit("iterations.csv", lambda text: text.splitlines(True)[0])
        refuse("one was cut short")
        edit("results.csv", lambda text: text.splitlines(True)[0])
        refuse("has no rows", code=4)
        edit("results.csv", lambda text: text + text.splitlines(True)[-1])
        refuse("stands there twice")
        edit("results.csv", lambda text: text.replace(b",slicing,", b",scan,"))
        refuse("is not that of its row")
        run_id = measured[0]["run_id"].encode()
        edit("environment.json", lambda text: text.replace(run_id, b"another"))
        refuse("is of the run 'another'")
        edit("environment.json", lambda text: b"[1]")
        refuse("holds no object")
        edit("iterations.csv", lambda text: text.replace(run_id, b"evil\x1b[31m", 1))
        refuse("is of the run 'evil?[31m'")
        edit("results.csv", lambda text: b"".join(
            line.replace(run_id, b"another") if i == 3 else line
            for i, line in enumerate(text.splitlines(True))))
        refuse("rows of two runs")
        refuse("nowhere", name="nowhere")
        refuse("own.h5", name="own.h5")
    with tap.case("hostile names: no escape reaches the terminal, JSON stays JSON, folders of any name"):
        bad = "\x1b]0;x\x07\udcff\udce4\"',\n" + "y" * 400
        hostile = [copy(calm, f"hostile{i}", None, lambda row: row.update(dataset=bad, reason=bad)) for i in (0, 1)]
        assert len(cells_of(*hostile)) == len(measured)
        compare(*hostile)
        copy(calm, "hostile2", None, lambda row: row.update(dataset="\x1b[31mother"))
        r = compare(hostile[0], f"{scratch}/hostile2", "--force", "--color=never")
        assert "\x1b" not in r.stdout and "\x07" not in r.stdout and "FORCED" in r.stdout
        r = compare(hostile[0], f"{scratch}/hostile2", code=2)
        assert "\x1b" not in r.stderr and "\x07" not in r.stderr
        assert json.loads(compare(hostile[0], f"{scratch}/hostile2", "--force", "--json").stdout)["forced"]
        for name in ("a b", "%s%n", "\x1b[31mred", "-o", "ä\udcff"):
            folder = copy(calm, name)
            r = compare("--", folder, f"{folder}/.")
            assert "\x1b" not in r.stdout
            r = compare("-o", f"{folder}/out", "--", folder, folder)
            assert "\x1b" not in r.stdout, r.stdout
            assert os.path.exists(f"{folder}/out/compare.csv")
        # Times at the ends of what fits.
        for ns in ("0", "1", str(2**64 - 2)):
            edge = copy(calm, "edge", lambda row: 1)
            rows = read(f"{edge}/iterations.csv")
            for row in rows:
                row["ns"] = ns
            write(f"{edge}/iterations.csv", rows)
            for pair in ((edge, calm), (calm, edge), (edge, edge)):
                words = {cell["word"] for cell in cells_of(*pair)}
                assert len(words) == 1 and (ns != "0" or words == {"unclear"}), words
                assert max(map(len, compare(*pair).stdout.splitlines())) <= 100
    with tap.case("usage: what is missing, too much, or no threshold; the exit codes are in the help"):
        for args, words in [([], "OLD is missing"), ([calm], "NEW is missing"), ([calm, calm, calm], "too many"),
                            ([calm, calm, "--threshold", "x"], "--threshold=x"),
                            ([calm, calm, "--threshold=-1%"], "--threshold=-1%"),
                            ([calm, calm, "--threshold=0"], "--threshold=0"),
                            ([calm, calm, "--nonsense"], "nonsense")]:
            r = compare(*args, code=2)
            assert words in r.stderr and not r.stdout, r.stderr
        text = " ".join(compare("--help").stdout.split())
        assert "0 compared, with slower cells too, for this is no gate" in text and "--force" in text
        assert "compare" in tap.run("--help").stdout
tap.done()
