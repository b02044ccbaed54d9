"""What the README says is what the program does: its tables come from the program's, its figures from
the reference run."""
import csv
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
REFERENCE = os.path.join(ROOT, "results/reference/demo")
with open(os.path.join(ROOT, "README.md")) as file:
    readme = file.read()
text = re.sub(r"\s+", " ", readme)

with tap.case("the tables of formats, workloads and sources are those of `fmtbench list`"):
    for table in tap.run("list", "--markdown").stdout.strip().split("\n\n"):
        assert table in readme, table
with tap.case("results/SCHEMA.md is what `fmtbench schema` prints"):
    with open(os.path.join(ROOT, "results/SCHEMA.md")) as file:
        assert file.read() == tap.run("schema").stdout
with tap.case("the output shown is the reference run's, line by line"):
    shown = re.search(r"<!-- from results/reference/demo -->\n```text\n(.*?)```", readme, re.S)
    lines = [line for line in shown.group(1).splitlines() if line and line != "..."]
    real = tap.run("show", REFERENCE, "--color=never").stdout.splitlines()
    assert len(lines) > 10
    for line in lines:
        assert line in real, line
with tap.case("the verdicts shown are those of the reference's figures"):
    shown = re.search(r"<!-- from results/reference/claims -->\n```text\n(.*?)```", readme, re.S)
    real = tap.run("show", os.path.join(ROOT, "results/reference/claims"), "--color=never").stdout
    assert shown.group(1).count("\n") > 10 and real.startswith(shown.group(1)), shown.group(1)
    with open(os.path.join(ROOT, "results/reference/claims/whole/results.csv"), newline="") as file:
        loads = {row["format"]: float(row["median_ns"]) / 1e6 for row in csv.DictReader(file)
                 if (row["workload"], row["cache"], row["handle"]) == ("full-load", "warm", "once")}
    assert (f"{loads['pickle']:.1f} ms by `pickle.load`, {loads['h5py']:.0f} ms by h5py with gzip 4 "
            f"({loads['h5py-contiguous']:.1f} ms without)") in text, loads
with tap.case("what the script finds, and fmtbench, is what bench-pickle found"):
    with open(os.path.join(ROOT, "results/reference/pickle/bench-pickle.txt")) as file:
        found = file.read()
    failed = re.findall(r"^(\S+)\t.*\tfail$", found, re.M)
    with open(os.path.join(ROOT, "results/reference/pickle/README.md")) as file:
        assert set(re.findall(r"`(guide\S+)`", file.read())) == set(failed), failed
    sides = {(name, side): figures for name, side, *figures in re.findall(
        r"^([a-z-]+), ([a-z, ]+): pickle (\S+) ms, (\d+) page faults, HDF5 (\S+) ms, \d+; ratio (\S+) ",
        found, re.M)}
    reads = []
    for name, own, what in [("full-load", "warm", "full load"),
                            ("random-access", "warm", "a person's face of all samples"),
                            ("slicing", "warm", "100 frames of each of them"),
                            ("search", "first", "search (fmtbench: its first iteration)")]:
        assert f"guide-{name}\t" in found and f"guide-{name}" not in failed, "not within the scatter"
        columns = [sides[name, side][3]
                   for side in ("alone", own, "one process", "one process, foretold")]
        assert f"\n| {' | '.join([what, *columns])} |\n" in readme, (name, columns)
        reads.append([sides[name, side][2] for side in ("alone", own, "one process")])
    spread = [max(map(float, ms)) / min(map(float, ms)) - 1 for ms in reads]
    assert f"differs by {100 * min(spread):.0f} to {100 * max(spread):.0f} % between the columns" in text
    assert f"searching is {float(sides['search', 'warm'][3]):.0f} times as fast with h5py" in text
    (slow, most), (fast, least), (one, had), (told, _) = (
        map(float, sides["random-access", side][:2])
        for side in ("warm", "again", "one process", "one process, foretold"))
    for words in (f"takes {slow:.0f} ms with {most:,.0f} faults", f"takes {fast:.0f} ms with {least:.0f}",
                  f"has {had:,.0f} faults, for which {told:.0f} ms are foretold, and takes {one:.0f} ms"):
        assert words in text, words
with tap.case("the explanation shown is the reference's, its figures those of its anatomy.csv"):
    shown = re.search(r"<!-- from results/reference/explain -->\n```text\n(.*?)\n```", readme, re.S)
    folder = os.path.join(ROOT, "results/reference/explain")
    with open(os.path.join(folder, "explain.txt")) as file:
        assert file.read().startswith(shown.group(1) + "\n")
    with open(os.path.join(folder, "anatomy.csv"), newline="") as file:
        row, = csv.DictReader(file)
    share = round(100 * int(row["inflate_ns"]) / int(row["total_ns"]))
    assert re.search(rf"^> inflate +\S+ \S+ +{share} %", shown.group(1), re.M), share
    for text in [f"{row['raw_reads']} reads", f"{row['chunks_touched']} touched", row["chunk"],
                 f"{float(row['inflate_amplification']):.1f} times the bytes asked for"]:
        assert text in shown.group(1), text
with tap.case("the settings shown are the reference's, their figures those of its tune.csv"):
    shown = re.search(r"<!-- from results/reference/tune -->\n```text\n(.*?)\n```", readme, re.S)
    folder = os.path.join(ROOT, "results/reference/tune")
    with open(os.path.join(folder, "tune.txt")) as file:
        assert file.read().startswith(shown.group(1) + "\n")
    with open(os.path.join(folder, "tune.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["stage"] in ("present", "final")]
    lines = shown.group(1).splitlines()
    for row in rows:
        line, = [line for line in lines if line[2:].startswith(row["setting"] + " ") and "faster" not in
                 line and (not row["names"] or f"({row['names']})" in line)]
        assert line.startswith(">") == (row["recommended"] == "1"), line
        gain = 1 / float(row["read_ratio"])
        assert (f" {gain:.1f}x" if gain >= 9.95 else f" {gain:.2f}x") in line, line
        assert f" {100 * float(row['size_ratio']):.0f} %" in line, line
    assert sum(line.startswith("> ") for line in lines) == 1
with tap.case("what hdf5-direct gains is the reference run's, line by line"):
    shown = re.search(r"<!-- from results/reference/direct -->\n```text\n(.*?)```", readme, re.S)
    lines = [line for line in shown.group(1).splitlines() if line and line != "..."]
    real = tap.run("show", os.path.join(ROOT, "results/reference/direct"), "--color=never").stdout
    assert len(lines) > 5
    for line in lines:
        assert line in real.splitlines(), line
    with open(os.path.join(ROOT, "results/reference/direct/bench-preload.txt")) as file:
        ratio = float(re.search(r"without over with: median ([0-9.]+),", file.read()).group(1))
    assert f"The guide's loop through h5py is {ratio:.2f} times as fast" in re.sub(r"\s+", " ", readme)
with tap.case("every command, file and picture that the README names exists"):
    commands = tap.run("--help").stdout
    for name in set(re.findall(r"`?\./?(?:build/)?fmtbench ([a-z]+)", readme)):
        assert re.search(rf"^  {name} ", commands, re.M), name
    for path in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert os.path.exists(os.path.join(ROOT, path)), path
with tap.case("every option of a command that the README names exists"):
    options = "".join(tap.run(name, "--help").stdout
                      for name in ("run", "explain", "tune", "gate", "export", "compare"))
    for name in set(re.findall(r"`(--[a-z-]+)", readme)):
        assert name in options, name
tap.done()
