"""`fmtbench history`: what it keeps, what it tells, and what it leaves alone."""
import csv
import glob
import io
import json
import math
import os
import random
import resource
import shutil
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

REFERENCE = os.path.join(os.path.dirname(__file__), "../../results/reference/demo")
AT_ONCE = 30


def read(path):
    return list(csv.DictReader(open(path, newline="")))


def is_kept(row):
    return row["workload"] == "slicing" and row["handle"] == "once" and row["clock"] == "inner" and \
        row["format"] in ("raw", "hdf5-contiguous")


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_run(folder, number, factor=lambda row: 1, **facts):
    """A folder as of a run: the reference's cells with another name, time and speed."""
    os.makedirs(folder, exist_ok=True)
    rows = [dict(row, run_id=f"run-{number}") for row in CELLS]
    for row in rows:
        for key in ("median_ns", "lower_ns", "upper_ns"):
            row[key] = str(int(int(row[key]) * factor(row)))
    write(f"{folder}/results.csv", rows)
    environment = json.load(open(f"{REFERENCE}/environment.json"))
    environment["run"]["run_id"] = f"run-{number}"
    environment["time"] = f"2026-{1 + number // 28:02}-{1 + number % 28:02}T00:00:00Z"
    environment["commit"] = f"commit{number}"
    environment.update(facts)
    with open(f"{folder}/environment.json", "w") as file:
        json.dump(environment, file)
    return folder


def changes(*args, code=0, **kwargs):
    return json.loads(tap.run("history", "show", *args, "--json", code=code, **kwargs).stdout)


CELLS = [row for row in read(f"{REFERENCE}/results.csv") if is_kept(row)]
assert len(CELLS) == 4 and all(row["status"] == "ok" for row in CELLS)
NOISE = random.Random(1)


with tap.scratch() as scratch:
    file = f"{scratch}/history.csv"
    with tap.case("add: a row a cell with what the run's files say; nothing else of the file changes"):
        shutil.copytree(REFERENCE, f"{scratch}/whole")
        r = tap.run("history", "add", f"{scratch}/whole", "-o", file, "--label", "v1, \"x\"")
        all_rows = read(f"{REFERENCE}/results.csv")
        timed = [row for row in all_rows if row["status"] == "ok"]
        rows = read(file)
        assert len(rows) == len(timed) < len(all_rows)
        assert f"{len(timed)} cells" in r.stdout and f"left out: {len(all_rows) - len(timed)}\n" in r.stdout
        facts = json.load(open(f"{REFERENCE}/environment.json"))
        for row, cell in zip(rows, timed):
            for key in set(row) & set(cell):
                assert row[key] == cell[key], (key, row[key], cell[key])
            assert (row["time"], row["commit"], row["cpu"], row["kernel"], row["label"]) == \
                (facts["time"], facts["commit"], facts["cpu"], facts["kernel"], 'v1, "x"')
            assert row["cores"] == str(facts["cores"])
        before = open(file, "rb").read()
        make_run(f"{scratch}/one", 1)
        tap.run("history", "add", f"{scratch}/one", "-o", file)
        assert open(file, "rb").read().startswith(before) and len(read(file)) == len(rows) + 4
    with tap.case("the same run twice is refused by its name"):
        before = open(file, "rb").read()
        r = tap.run("history", "add", f"{scratch}/one", "-o", file, code=2)
        assert f"the run run-1 is in {file} already" in r.stderr, r.stderr
        assert open(file, "rb").read() == before
    with tap.case("history.csv of the working folder is the default; show is the default verb"):
        if os.path.isabs(tap.FMTBENCH):
            r = tap.run("history", "add", "one", cwd=scratch, code=2)
            assert "is in history.csv already" in r.stderr, r.stderr
            assert "fewer than 10 runs" in tap.run("history", cwd=scratch, code=4).stdout
        r = tap.run("history", "show", file, code=4)
        assert r.stdout == tap.run("history", file, code=4).stdout
        assert "fewer than 10 runs" in r.stdout and "2 cores" in r.stdout, r.stdout
        assert changes(file, code=4)["changes"] == []

    os.remove(file)
    # Two machines in turn, not in the order of time; on one contiguous becomes slower in run 20.
    def speed(slower):
        return lambda row: math.exp(NOISE.gauss(0, 0.02)) * \
            (1.2 if slower and row["format"] == "hdf5-contiguous" else 1)
    order = list(range(40))
    NOISE.shuffle(order)
    for i in order:
        run = make_run(f"{scratch}/run", i, speed(i >= 20), kernel=f"Linux 6.{i}")
        tap.run("history", "add", run, "-o", file, *(["--label", "the culprit"] if i == 20 else []))
        run = make_run(f"{scratch}/run", 100 + i, lambda row: speed(False)(row) * 5, cores=7)
        tap.run("history", "add", run, "-o", file)
    with tap.case("changes: which cells, since which run, by how much; other machines are others"):
        found = changes(file)
        assert found["series"] == found["judged"] == 8
        assert [c["format"] for c in found["changes"]] == ["hdf5-contiguous"] * 2, found
        assert {c["cache"] for c in found["changes"]} == {"warm", "cold"}
        for change in found["changes"]:
            number = int(change["run_id"].split("-")[1])
            assert abs(number - 20) <= 1 and change["commit"] == f"commit{number}"
            assert change["label"] == ("the culprit" if number == 20 else "")
            assert 1.1 < change["lower"] < change["ratio"] < change["upper"] < 1.3
        assert found["changes"][0]["ratio"] >= found["changes"][1]["ratio"]
        r = tap.run("history", file)
        assert r.stdout.count("slower") == 2 and "run-20" in r.stdout and "the culprit" in r.stdout
        assert "7 cores" in r.stdout and "\x1b" not in r.stdout and not r.stderr
        assert "\x1b[31m" in tap.run("history", file, "--color=always").stdout
    with tap.case("a faster run is told after the slower ones"):
        rows = read(file)
        for row in rows:
            if row["format"] == "raw" and row["cache"] == "warm" and row["cores"] == "7" and \
                    int(row["run_id"].split("-")[1]) >= 125:
                row["median_ns"] = str(int(int(row["median_ns"]) * 0.5))
        write(f"{scratch}/faster.csv", rows)
        found = changes(f"{scratch}/faster.csv")["changes"]
        assert len(found) == 3 and 0.45 < found[2]["ratio"] < 0.55 and found[2]["run_id"] == "run-125"
    with tap.case("columns in another order are read, but not added to; a file moved is the same file"):
        rows = [dict(reversed(row.items())) for row in read(file)]
        rows = [{"more": "x", **row, "dataset": f"/elsewhere/{i}/noxire.h5"} for i, row in enumerate(rows)]
        write(f"{scratch}/order.csv", rows)
        assert changes(f"{scratch}/order.csv") == changes(file)
        before = open(f"{scratch}/order.csv", "rb").read()
        r = tap.run("history", "add", f"{scratch}/whole", "-o", f"{scratch}/order.csv", code=1)
        assert "nothing can be added" in r.stderr and open(f"{scratch}/order.csv", "rb").read() == before
    with tap.case("a run that a merge brought twice counts once"):
        text = open(file).read()
        with open(f"{scratch}/twice.csv", "w") as f:
            f.write(text + "\n".join(text.splitlines()[1:]) + "\n")
        assert changes(f"{scratch}/twice.csv") == changes(file)

    with tap.case("-o: a chart a family, of which each is whole"):
        if shutil.which("gnuplot"):
            r = tap.run("history", "show", file, "-o", f"{scratch}/charts/deep")
            tables = sorted(glob.glob(f"{scratch}/charts/deep/*.csv"))
            assert len(tables) == 4 and r.stdout.count(".svg\n") == r.stdout.count(".png\n") == 4
            marked = 0
            for table in tables:
                xml.etree.ElementTree.parse(table[:-4] + ".svg")
                assert open(table[:-4] + ".png", "rb").read(4) == b"\x89PNG"
                points = read(table)
                assert len(points) == 80 and {point["panel"] for point in points} == {"0", "1"}
                assert [int(p["place"]) for p in points if p["panel"] == "1"] == list(range(40))
                for point in points:
                    marked += point["change"] != ""
                    assert None not in point.values() and float(point["median_ms"]) > 0
            assert marked == 2
    with tap.case("two at once: both are there"):
        both = f"{scratch}/both.csv"
        make = [make_run(f"{scratch}/at-once-{i}", i) for i in range(8)]
        processes = [subprocess.Popen([tap.FMTBENCH, "history", "add", folder, "-o", both],
                                      stdout=subprocess.DEVNULL) for folder in make]
        assert [process.wait(AT_ONCE) for process in processes] == [0] * 8
        assert len(read(both)) == 32 and len({row["run_id"] for row in read(both)}) == 8
    with tap.case("a symbolic link stays one"):
        os.mkdir(f"{scratch}/linked")
        os.symlink("../both.csv", f"{scratch}/linked/history.csv")
        tap.run("history", "add", make_run(f"{scratch}/run", 9), "-o", f"{scratch}/linked/history.csv")
        assert os.path.islink(f"{scratch}/linked/history.csv") and len(read(both)) == 36
        assert os.listdir(f"{scratch}/linked") == ["history.csv"]

    good = open(both, "rb").read()
    lines = good.split(b"\n")
    other = open(f"{REFERENCE}/results.csv", "rb").read()
    width = lines[0].count(b",")

    def with_field(name, value):
        at = lines[0].split(b",").index(name)
        fields = next(csv.reader(io.StringIO(lines[1].decode())))
        fields[at] = value
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(fields)
        return lines[0] + b"\n" + text.getvalue().encode()

    BAD = [
        (b"", "the file is empty"), (b"\n\n", "empty"), (b"hello\n", "is missing"), (b"\0\1\2" * 99, ""),
        (good[:-7], "cut short"), (good[:len(lines[0]) - 9], ""), (other, "is missing"),
        (lines[0] + b"\n" + lines[1][:40] + b"\n", ""),
        (good.replace(b"\n2,", b"\n3,"), "schema_version"), (lines[0] + b"," + lines[1], ""),
        (with_field(b"median_ns", "1e400"), "whole number"), (with_field(b"median_ns", "-1"), "whole number"),
        (with_field(b"median_ns", "99999999999999999999"), "whole number"),
        (with_field(b"median_ns", "0"), "no time in median_ns"),
        (with_field(b"median_ns", ""), "no time in median_ns"),
        (with_field(b"cores", "two"), "whole number"), (with_field(b"time", "yesterday"), "of the form"),
        (with_field(b"time", "2026-01-01 00:00:00Z"), "of the form"), (with_field(b"run_id", ""), "lacks"),
        (with_field(b"machine", "m" * 99), "characters"), (with_field(b"options", '"' + "x" * 99999), ""),
    ]
    with tap.case("what is no history: a clear word, and the file stays as it is"):
        bad = f"{scratch}/bad.csv"
        for content, words in BAD:
            with open(bad, "wb") as f:
                f.write(content)
            for args in (["show", bad], ["add", f"{scratch}/one", "-o", bad]):
                r = tap.run("history", *args, code=1, timeout=AT_ONCE)
                assert bad in r.stderr and words in r.stderr and not r.stdout, (content[:80], r.stderr)
            assert open(bad, "rb").read() == content
    with tap.case("pipes, folders and files that are not there"):
        os.mkfifo(f"{scratch}/pipe")
        for path, words in [(f"{scratch}/pipe", "regular file"), (scratch, ""), ("/dev/null", "")]:
            for args in (["show", path], ["add", f"{scratch}/one", "-o", path]):
                r = tap.run("history", *args, code=1, timeout=AT_ONCE)
                assert path in r.stderr and words in r.stderr, r.stderr
        assert "No such file" in tap.run("history", f"{scratch}/none.csv", code=1).stderr
        r = tap.run("history", "add", f"{scratch}/one", "-o", f"{scratch}/none/history.csv", code=1)
        assert "No such file" in r.stderr, r.stderr
    with tap.case("only a header, and runs that are too few: exit code 4 and why"):
        with open(f"{scratch}/header.csv", "wb") as f:
            f.write(lines[0] + b"\n")
        assert "holds no run" in tap.run("history", f"{scratch}/header.csv", code=4).stderr
        tap.run("history", "add", f"{scratch}/one", "-o", f"{scratch}/header.csv")
        assert len(read(f"{scratch}/header.csv")) == 4
    with tap.case("a disk that is full, a folder that may not be written: the history stays"):
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        run = make_run(f"{scratch}/run", 10)
        r = tap.run("history", "add", run, "-o", both, code=1, preexec_fn=small)
        assert "File too large" in r.stderr, r.stderr
        assert len(read(both)) == 36 and not glob.glob(f"{scratch}/*.tmp-*")
        if os.geteuid() != 0:
            os.mkdir(f"{scratch}/closed")
            shutil.copy(both, f"{scratch}/closed")
            os.chmod(f"{scratch}/closed", 0o555)
            r = tap.run("history", "add", run, "-o", f"{scratch}/closed/both.csv", code=1)
            assert "Permission denied" in r.stderr, r.stderr
            os.chmod(f"{scratch}/closed", 0o755)

    with tap.case("folders that are no run: a clear word, and the history stays"):
        before = open(both, "rb").read()

        def refuse(words, code=1):
            r = tap.run("history", "add", f"{scratch}/odd", "-o", both, code=code, timeout=AT_ONCE)
            assert words in r.stderr and open(both, "rb").read() == before, r.stderr
            make_run(f"{scratch}/odd", 50)

        def edit(**columns):
            rows = read(f"{scratch}/odd/results.csv")
            rows[-1].update(columns)
            write(f"{scratch}/odd/results.csv", rows)

        def environment(text):
            with open(f"{scratch}/odd/environment.json", "w") as f:
                f.write(text)

        refuse("results.csv")  # no such folder
        os.remove(f"{scratch}/odd/environment.json")
        refuse("environment.json")
        for text in ["", "[]", "{", '{"a": 1, "a": 2}', "nul", "x" * 2000000]:
            environment(text)
            refuse("environment.json")
        environment("{}")
        refuse("is of the run ''")
        make_run(f"{scratch}/odd", 51)
        shutil.copy(f"{scratch}/one/environment.json", f"{scratch}/odd")
        refuse("is of the run 'run-1'")
        make_run(f"{scratch}/odd", 50, time="now")
        refuse("of the form")
        edit(run_id="run-other")
        refuse("two runs")
        edit(workload="another")
        refuse("not that of its row")
        edit(median_ns="1e9")
        refuse("whole number")
        write(f"{scratch}/odd/results.csv", [{"command": "sleep 1", "mean": "1.0"}])
        refuse("is missing")
        write(f"{scratch}/odd/results.csv",
              [dict(row, status="failed", median_ns="") for row in read(f"{scratch}/one/results.csv")])
        shutil.copy(f"{scratch}/one/environment.json", f"{scratch}/odd")
        refuse("no row with a time", code=4)
    with tap.case("names that would write to the terminal, or are no UTF-8"):
        raw = open(file, "rb").read().replace(b"the culprit", b"\x1b[2J\xff\xfe")
        with open(f"{scratch}/ill.csv", "wb") as f:
            f.write(raw)
        assert "\x1b" not in tap.run("history", f"{scratch}/ill.csv").stdout
        assert any("??" in c["label"] for c in changes(f"{scratch}/ill.csv")["changes"])
        if shutil.which("gnuplot"):
            tap.run("history", f"{scratch}/ill.csv", "-o", f"{scratch}/ill")
            for picture in glob.glob(f"{scratch}/ill/*.svg"):
                xml.etree.ElementTree.parse(picture)
    with tap.case("wrong words: exit code 2"):
        for args in (["add"], ["add", "a", "b"], ["show", "a", "b"], ["a", "b"], ["--colour"],
                     ["add", "a", "--label", "x" * 128], ["--color=blue"], ["remove", file]):
            r = tap.run("history", *args, code=2)
            assert r.stderr and not r.stdout, (args, r.stderr)
    with tap.case("--help tells verbs, method and exit codes"):
        r = tap.run("history", "--help")
        assert "add RUN_FOLDER" in r.stdout and "E-divisive" in r.stdout and "Exit codes" in r.stdout
        assert "--label" in tap.run("history", "add", "--help").stdout
tap.done()
