"""`fmtbench export`: what other tools' documentation demands of their formats, from a real run and from
a gate's tables with names of ill will; and nothing at all from what is damaged."""
import csv
import json
import os
import re
import resource
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

FORMATS = ["markdown", "junit", "github-action-benchmark", "google-benchmark"]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def export(folder, to):
    # Bytes: a name that were no UTF-8 would be seen.
    result = subprocess.run([tap.FMTBENCH, "export", str(folder), "--to", to], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=60)
    assert (result.returncode, result.stderr) == (0, b""), result
    text = result.stdout.decode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", text), repr(text)
    return text


def columns(table):
    """The columns that `fmtbench schema` lists under a heading, in order."""
    part = tap.run("schema").stdout.split(f"\n## {table}:")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", part, re.M)


def write(folder, name, rows, table=None):
    header = columns(table or name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w", newline="", errors="surrogateescape") as file:
        out = csv.DictWriter(file, header, restval="", lineterminator="\n")
        out.writeheader()
        out.writerows({"schema_version": 2, **row} for row in rows)
    return folder


def read(folder, name):
    with open(os.path.join(folder, name), newline="") as file:
        return list(csv.DictReader(file))


# --- JUnit: the structure of the xUnit plugin's junit-10.xsd ------------------------------------

ELEMENTS = {  # children, attributes, those of them that are required
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}, set()),
    "testsuite": ({"testsuite", "properties", "testcase", "system-out", "system-err"},
                  {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname",
                   "id", "package", "file", "log", "url"}, {"name", "tests", "failures", "errors"}),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, {"name", "value"}),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"},
                 {"name", "time", "classname", "group"}, {"name", "time", "classname"}),
    **{name: (set(), {"type", "message"}, {"type", "message"}) for name in ("skipped", "error", "failure")},
    "system-out": (set(), set(), set()),
}


def validated(text):
    """The test cases by name, of a document that is valid and whose counts add up."""
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert root.tag in ("testsuites", "testsuite")
    for element in root.iter():
        children, attributes, required = ELEMENTS[element.tag]
        assert {child.tag for child in element} <= children, element.tag
        assert required <= set(element.attrib) <= attributes, (element.tag, element.attrib)
        assert element.tag == "system-out" or not (element.text or "").strip(), element.text
        assert re.fullmatch(r"\d+\.\d+", element.get("time", "0.0")), element.attrib
    cases = root.findall(".//testcase")
    for suite in [root, *root.findall("testsuite")]:
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"),
                               ("skipped", "skipped")):
            if attribute in suite.attrib or attribute != "skipped":
                assert int(suite.get(attribute)) == len(suite.findall(f".//{tag}")), attribute
    suite, = root.findall("testsuite")
    assert abs(float(suite.get("time")) - sum(float(case.get("time")) for case in cases)) < 1e-6
    assert all(len([c for c in case if c.tag in ("failure", "error", "skipped")]) <= 1 for case in cases)
    assert len({case.get("name") for case in cases}) == len(cases)
    return {case.get("name"): case for case in cases}


def outcome(case):
    return next((c.tag for c in case if c.tag != "system-out"), "passed")


def strict(text):
    """JSON without NaN and Infinity, which Python's reader would take."""
    return json.loads(text, parse_constant=lambda word: 1 / 0)


def cells_of(line):
    """A row of a table as GitHub Flavored Markdown splits it: at pipes without a backslash."""
    assert line.startswith("| ") and line.endswith("|"), line
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def table_of(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head = cells_of(lines[0])
    assert re.fullmatch(r"(\| -+:? )+\|", lines[1]) and len(cells_of(lines[1])) == len(head)
    rows = [cells_of(line) for line in lines[2:]]
    assert all(len(row) == len(head) for row in rows), rows
    return [dict(zip(head, row)) for row in rows]


def name_of(row):
    spec = row["format"] + (":" if row["options"] else "") + row["options"]
    work = row["workload"] + (":" if row["workload_options"] else "") + row["workload_options"]
    return f"{spec} {work} {row['cache']} {row['handle']}"


def median(values):
    values = sorted(values)
    n = len(values)
    return values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) // 2


HOSTILE = ["a|b", "end\\|bar", "back\\slash|pipe", "`tick`", "quote\"'", "<b>&amp;</b>]]>", "two\nlines",
           "bell\x07\x1b[31m", "no\udcffutf8\udcc3", "\u202eright\u2028line", "@all #1 *x* _y_ https://example.org",
           "\u00e9\u4e2d\U0001f600", "", "-- x",
           "\ud800\ufffe".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")]

with tap.scratch() as tmp:
    run = os.path.join(tmp, "run")
    tap.run("run", "synth:samples=2,frames=40:60", "-o", run, "-f", "hdf5-contiguous", "-f", "hdf5-chunked:level=1",
            "-f", "hdf5-chunked:level=4", "-w", "slicing:window=10", "--cache", "warm", "--blocks", 6, "--no-plots")
    results, iterations, blocks = (read(run, f"{name}.csv") for name in ("results", "iterations", "blocks"))

    with tap.case("a run as JUnit XML: a passed test a cell, times in seconds"):
        cases = validated(export(run, "junit"))
        assert set(cases) == {name_of(row) for row in results} and len(results) >= 6
        for row in results:
            case = cases[name_of(row)]
            assert outcome(case) == "passed"
            assert case.get("classname") == "fmtbench.slicing"
            assert round(float(case.get("time")) * 1e9) == int(row["median_ns"])
    with tap.case("a run for github-action-benchmark: medians in ns under the same names"):
        entries = strict(export(run, "github-action-benchmark"))
        assert [entry["name"] for entry in entries] == [name_of(row) for row in results]
        for entry, row in zip(entries, results):
            assert set(entry) <= {"name", "unit", "value", "range", "extra"}
            assert entry["unit"] == "ns" and entry["value"] == int(row["median_ns"])
            off = max(int(row["upper_ns"]) - int(row["median_ns"]), int(row["median_ns"]) - int(row["lower_ns"]))
            assert entry["range"] == f"\u00b1 {off}" and "check: verified" in entry["extra"]
    with tap.case("a run as Google Benchmark's JSON: a repetition a block"):
        document = strict(export(run, "google-benchmark"))
        context = document["context"]
        with open(os.path.join(run, "environment.json")) as file:
            environment = json.load(file)
        assert context["date"] == environment["time"] and context["num_cpus"] == environment["cores"]
        assert isinstance(context["cpu_scaling_enabled"], bool) and context["caches"] == []
        assert isinstance(context["mhz_per_cpu"], int) and context["cells_without_time"] == "0"
        assert "host_name" not in context and context["executable"] == "fmtbench"
        assert len(document["benchmarks"]) == 6 * len(results)
        for row in results:
            mine = [b for b in document["benchmarks"] if b["name"] == name_of(row)]
            assert [b["repetition_index"] for b in mine] == list(range(6))
            own = sorted((b for b in blocks if b["cell_id"] == row["cell_id"]), key=lambda b: int(b["block"]))
            for bench, block in zip(mine, own):
                timed = [int(i["ns"]) for i in iterations if i["cell_id"] == row["cell_id"] and
                         i["block"] == block["block"] and i["warmup"] == "0"]
                assert (bench["real_time"], bench["iterations"]) == (median(timed), len(timed))
                cpu = (int(block["user_ns"]) + int(block["system_ns"])) / int(block["counted"])
                assert abs(bench["cpu_time"] - cpu) <= 1e-9 * cpu
                assert bench["run_name"] == bench["name"] and bench["run_type"] == "iteration"
                assert (bench["repetitions"], bench["threads"], bench["time_unit"]) == (6, 1, "ns")
            assert median([b["real_time"] for b in mine]) == int(row["median_ns"])
    with tap.case("a run as Markdown: slowest first"):
        text = export(run, "markdown")
        rows = table_of(text)
        assert text.startswith(f"### fmtbench run: {len(results)} cells, {len(results)} measured, 0 failed\n")
        assert len(rows) == len(results)
        ratios = [float(row["x fastest"][:-1]) for row in rows]
        assert ratios == sorted(ratios, reverse=True) and ratios[-1] == 1
        assert {"`hdf5-chunked level=1`", "`hdf5-chunked level=4`"} <= {row["format"] for row in rows}
    with tap.case("a cell keeps its name, whatever else the run holds"):
        few = os.path.join(tmp, "few")
        write(few, "results.csv", [row for row in results if "level=4" in row["options"]])
        names = set(validated(export(few, "junit")))
        assert names and names <= {name_of(row) for row in results}

    # --- cells without a time -----------------------------------------------------------------
    failed = os.path.join(tmp, "failed")
    changes = [("wrong-data", "1 byte is wrong\n<&\">"), ("failed", "bad | \udcff"), ("not-applicable", "has no x"),
               ("not-run", ""), ("strange", "")]
    odd = [dict(row) for row in results for _ in range(3)][:len(changes) + 4]
    for i, (row, (status, reason)) in enumerate(zip(odd, changes)):
        row.update(status=status, reason=reason, median_ns="", times_fastest="", workload_options=f"n={i}")
    write(failed, "results.csv", odd)
    for name, rows in (("blocks.csv", blocks), ("iterations.csv", iterations)):
        write(failed, name, rows)
    with tap.case("cells without a time: failures, errors and skipped tests, and no figures"):
        cases = validated(export(failed, "junit"))
        found = [outcome(cases[name_of(row)]) for row in odd[:5]]
        assert found == ["failure", "failure", "skipped", "skipped", "error"], found
        failure = cases[name_of(odd[0])].find("failure")
        assert failure.get("type") == "wrong-data" and failure.get("message") == 'wrong-data: 1 byte is wrong?<&">'
        rows = table_of(export(failed, "markdown"))
        assert [row["check"].split(" ")[0] for row in rows[:3]] == ["**`wrong-data`**", "**`failed`**", "**`strange`**"]
        assert rows[1]["check"] == "**`failed`** `bad \\| ?`"
        assert len(strict(export(failed, "github-action-benchmark"))) == len(odd) - 5
        document = strict(export(failed, "google-benchmark"))
        assert document["context"]["cells_without_time"] == "5" and document["context"]["date"] == "n/a"
        assert len(document["benchmarks"]) == 6 * (len(odd) - 5)
    with tap.case("rows of the same cell get names of their own"):
        names = [entry["name"] for entry in strict(export(failed, "github-action-benchmark"))]
        assert len(set(names)) == len(names) and any(name.endswith(" #2") for name in names), names

    # --- a gate -------------------------------------------------------------------------------
    gate = os.path.join(tmp, "gate")
    common = {"gate_id": "g", "arm": "A/B", "format": "hdf5-chunked", "options": "level=4", "b_format": "hdf5-chunked",
              "b_options": "level=4", "workload": "slicing", "workload_options": "n=10", "cache": "warm",
              "handle": "keep", "pairs": 4, "a_median_ns": 2000000, "b_median_ns": 2500000}

    def cell(name, verdict, change="", **more):
        return {**common, "cell": name, "verdict": verdict, "change": change, "workload_options": f"id={name}", **more}

    cells = [cell("control", "equivalent", 0.001, arm="A/A"),
             cell("same", "equivalent", 0.01, change_lower=-0.004, change_upper=0.02),
             cell("better", "improved", -0.3, b_format="raw", b_options=""),
             cell("worse", "regressed", 0.25, change_lower=0.2, change_upper=0.3, counters="read calls 12 -> 13"),
             cell("dead", "no data", a_median_ns="", b_median_ns="", reason="the worker of B died"),
             cell("noisy", "inconclusive", 0.04, reason="30 pairs were too few"),
             cell("much worse", "regressed", 1.5)]
    pairs = [{"gate_id": "g", "arm": c["arm"], "cell": c["cell"], "stage": 1, "pair": i, "order": "AB",
              "a_ns": 1000 * i, "b_ns": "" if i == 3 else 1500 * i, "start_ns": i}
             for i in (1, 2, 3, 4) for c in cells if c["cell"] != "dead"]
    write(gate, "gate.csv", cells)
    write(gate, "pairs.csv", pairs)

    def title(c):
        same = c["format"] == c["b_format"]
        return (f"hdf5-chunked:level=4{'' if same else ' vs raw'} slicing:id={c['cell']} warm keep"
                f"{' control' if c['arm'] == 'A/A' else ''}")

    with tap.case("a gate as JUnit XML: regressed fails, no data is an error, inconclusive is skipped"):
        cases = validated(export(gate, "junit"))
        assert set(cases) == {title(c) for c in cells}
        want = {"equivalent": "passed", "improved": "passed", "regressed": "failure", "no data": "error",
                "inconclusive": "skipped"}
        for c in cells:
            assert outcome(cases[title(c)]) == want[c["verdict"]], c["cell"]
        message = cases[title(cells[3])].find("failure").get("message")
        assert message == ("regressed: +25.0 % (95 %: +20.0 to +30.0 %), 2.00 ms -> 2.50 ms; "
                           "read calls 12 -> 13"), message
        assert "too few" in cases[title(cells[5])].find("skipped").get("message")
        assert cases[title(cells[3])].get("time") == "0.002500000"
    with tap.case("a control that changed is an error, and told in Markdown"):
        assert "\nControl, A against itself: no alarm\n" in export(gate, "markdown")
        broken = write(os.path.join(tmp, "broken"), "gate.csv", [{**cells[0], "verdict": "improved"}, *cells[1:]])
        assert outcome(validated(export(broken, "junit"))[title(cells[0])]) == "error"
        assert "**it changed too, trust no row**" in export(broken, "markdown")
    with tap.case("a gate as Markdown: worst first, the control apart"):
        text = export(gate, "markdown")
        assert text.startswith("### fmtbench gate: 6 cells: 2 regressed, 1 without data, 1 inconclusive, 1 improved, "
                               "1 equivalent\n")
        assert [row["cell"] for row in table_of(text)] == [
            f"`{name}`" for name in ("much worse", "worse", "dead", "noisy", "better", "same")]
        row = table_of(text)[1]
        assert list(row.values()) == ["`worse`", "2.00 ms", "2.50 ms", "+25.0 %", "+20.0 to +30.0 %", "**regressed**",
                                      "`read calls 12 -> 13`"], row
    with tap.case("Markdown stays on one screen and counts the rest"):
        many = write(os.path.join(tmp, "many"), "gate.csv",
                     [cell(f"c{i}", "equivalent" if i % 4 else "regressed", i / 1000) for i in range(80)])
        text = export(many, "markdown")
        assert len(table_of(text)) == 25 and text.count("\n") < 36
        assert "\nand 55 more: 55 equivalent\n" in text and [r["cell"] for r in table_of(text)[:2]] == ["`c76`", "`c72`"]
        many = write(os.path.join(tmp, "many-rows"), "results.csv",
                     [{**results[0], "workload_options": f"n={i}", "status": "failed" if i < 30 else "not-run" if i < 35
                       else "ok"} for i in range(60)])
        text = export(many, "markdown")
        assert len(table_of(text)) == 25 and "\nand 35 more: 5 failed, 25 measured, 5 not measured\n" in text, text[-200:]
    with tap.case("a gate for github-action-benchmark: the time of B, without controls"):
        entries = {entry["name"]: entry for entry in strict(export(gate, "github-action-benchmark"))}
        assert set(entries) == {title(c) for c in cells if c["cell"] not in ("control", "dead")}
        entry = entries[title(cells[3])]
        assert (entry["value"], entry["unit"]) == (2500000, "ns")
        assert entry["extra"] == "regressed: +25.0 % (95 %: +20.0 to +30.0 %)\nread calls 12 -> 13"
    with tap.case("a gate as Google Benchmark's JSON: pairs as repetitions of NAME/A and NAME/B"):
        document = strict(export(gate, "google-benchmark"))
        assert document["context"]["cells_without_time"] == "1"
        for c in cells:
            for side, factor in (("A", 1000), ("B", 1500)):
                mine = [b for b in document["benchmarks"] if b["name"] == f"{title(c)}/{side}"]
                want = [] if c["cell"] == "dead" else [factor, 2 * factor, 4 * factor]
                assert [b["real_time"] for b in mine] == want
                assert all((b["cpu_time"], b["repetitions"]) == (0, 3) for b in mine)

    # --- names of ill will ----------------------------------------------------------------------
    hostile = os.path.join(tmp, "hostile")
    bad = [{**common, "cell": name, "verdict": ("regressed", "no data", "inconclusive")[i % 3], "change": i,
            "workload": name[:60], "options": name, "b_options": "x" + name, "counters": name, "reason": name,
            "gate_id": name[:60]} for i, name in enumerate(HOSTILE)]
    write(hostile, "gate.csv", bad)
    write(hostile, "pairs.csv", [{"arm": "A/B", "cell": name, "stage": 1, "pair": 1, "order": "AB", "a_ns": 1, "b_ns": 2}
                                 for name in HOSTILE])
    ill = os.path.join(tmp, "ill")
    write(ill, "results.csv", [{**row, "format": name[:60], "workload": name[:60], "verification": "verified",
                                "reason": name, "status": ("ok", "failed")[i % 2]}
                               for i, (row, name) in enumerate(zip(results * 9, HOSTILE))])
    for name, rows in (("blocks.csv", blocks), ("iterations.csv", iterations)):
        write(ill, name, rows)
    with tap.case("hostile names: every format stays what it is, names stay one of a kind"):
        for folder in (hostile, ill):
            assert len(validated(export(folder, "junit"))) == len(HOSTILE)
            names = [entry["name"] for entry in strict(export(folder, "github-action-benchmark"))]
            assert len(set(names)) == len(names) > 4
            document = strict(export(folder, "google-benchmark"))
            assert len({b["name"] for b in document["benchmarks"]}) >= len(names)
            assert len(table_of(export(folder, "markdown"))) == len(HOSTILE)
    with tap.case("hostile names read as what they are, but for what cannot stand there"):
        shown = {c.strip("`").strip(): c for c in (row["cell"] for row in table_of(export(hostile, "markdown")))}
        for name in ("a\\|b", "end/\\|bar", "'tick'", "two?lines", "bell??[31m", "no?utf8?", "?right?line", "????",
                     "\u00e9\u4e2d\U0001f600"):
            assert name in shown, name
        assert all(c.startswith("`") and c.endswith("`") and c.count("`") == 2 for c in shown.values())
        names = [n for n in validated(export(hostile, "junit"))]
        assert any("<b>&amp;</b>]]>" in n for n in names) and any("quote\"'" in n for n in names)
        assert any("back\\slash|pipe" in entry["name"] for entry in strict(export(hostile, "github-action-benchmark")))
    with tap.case("odd numbers: nothing that JSON or XML does not have"):
        huge = 2**64 - 2
        odd = write(os.path.join(tmp, "odd"), "gate.csv",
                    [cell("x", "regressed", 1e300, a_median_ns=huge, b_median_ns=huge, change_lower=-1e300),
                     cell("y", "improved", -1, b_median_ns=huge), cell("z", "?", b_median_ns=0)])
        write(odd, "pairs.csv", [{"arm": "A/B", "cell": "x", "a_ns": huge, "b_ns": 0}])
        values = [entry["value"] for entry in strict(export(odd, "github-action-benchmark"))]
        assert values[2] == 0 and all(abs(value - huge) < 1e6 for value in values[:2]), values
        assert len(strict(export(odd, "google-benchmark"))["benchmarks"]) == 2
        root = ElementTree.fromstring(export(odd, "junit"))
        assert root.find(".//testcase").get("time") == "18446744073.709551614"
        assert "| n/a |" in export(odd, "markdown")

    # --- what is damaged ------------------------------------------------------------------------
    def refused(folder, to, message, code=1, out=None):
        target = os.path.join(tmp, "out")
        with open(target, "w") as file:
            file.write("before")
        for extra in ([], ["-o", out or target]):
            result = tap.run("export", folder, "--to", to, *extra, code=code)
            assert result.stdout == "" and message in result.stderr and result.stderr.count("\n") == 1, result.stderr
        with open(target) as file:
            assert file.read() == "before"
        assert [name for name in os.listdir(tmp) if name.startswith("out.")] == []

    def spoiled(name, folder, file, change):
        new = os.path.join(tmp, name)
        os.makedirs(new, exist_ok=True)
        for other in os.listdir(folder):
            if other.endswith(".csv"):
                with open(os.path.join(folder, other), "rb") as source, open(os.path.join(new, other), "wb") as target:
                    data = source.read()
                    target.write(change(data) if other == file else data)
        return new

    with tap.case("what is no folder of results is refused, with the reason"):
        for to in FORMATS:
            refused(os.path.join(tmp, "missing"), to, "No such file")
            refused(os.path.join(run, "results.csv"), to, "is no folder")
            refused(tmp, to, "neither results.csv nor gate.csv")
    with tap.case("damaged tables are refused, and nothing is half written"):
        for number, (folder, main, more) in enumerate(((run, "results.csv", "iterations.csv"),
                                                       (gate, "gate.csv", "pairs.csv"))):
            cut = spoiled(f"cut{number}", folder, main, lambda data: data[:-20])
            version = spoiled(f"version{number}", folder, main, lambda data: data.replace(b"\n2,", b"\n3,", 1))
            empty = spoiled(f"empty{number}", folder, main, lambda data: b"")
            bare = spoiled(f"bare{number}", folder, main, lambda data: data.split(b"\n")[0] + b"\n")
            for to in FORMATS:
                refused(cut, to, "cut short")
                refused(version, to, "schema_version is not 2")
                refused(empty, to, "the file is empty")
                refused(bare, to, "has no rows", code=4)
            short = spoiled(f"short{number}", folder, more, lambda data: data[:-5])
            refused(short, "google-benchmark", "cut short")
            export(short, "junit")
            os.remove(os.path.join(short, more))
            refused(short, "google-benchmark", "No such file")
    with tap.case("pairs that cannot be told apart, or of no cell, are refused"):
        twice = write(os.path.join(tmp, "twice"), "gate.csv", cells + cells[1:2])
        write(twice, "pairs.csv", pairs)
        refused(twice, "google-benchmark", "stands there twice")
        stray = write(os.path.join(tmp, "stray"), "gate.csv", cells[1:])
        write(stray, "pairs.csv", pairs)
        refused(stray, "google-benchmark", "is not in gate.csv")
    with tap.case("-o replaces a file whole or not at all"):
        target = os.path.join(tmp, "report")
        for folder in (run, gate):
            for to in FORMATS:
                assert tap.run("export", folder, "--to", to, "-o", target).stdout == ""
                with open(target, encoding="utf-8") as file:
                    assert file.read() == export(folder, to)
        assert tap.run("export", run, "--to", "junit", "-o", "-").stdout == export(run, "junit")
        for out, message in ((tmp, "is a folder"), (os.path.join(tmp, "none", "x"), "No such file"),
                             ("/dev/full", "no regular file")):
            result = tap.run("export", run, "--to", "junit", "-o", out, code=1)
            assert message in result.stderr and result.stdout == "", result.stderr
        with open(target, "w") as file:
            file.write("before")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        for to in FORMATS:
            tap.run("export", run, "--to", to, "-o", target, code=1, preexec_fn=limit)
            with open(target) as file:
                assert file.read() == "before"
        assert [name for name in os.listdir(tmp) if name.startswith("report.")] == []
    with tap.case("standard output that is full is an error"):
        with open("/dev/full", "w") as full:
            result = subprocess.run([tap.FMTBENCH, "export", run, "--to", "junit"], stdout=full, stderr=subprocess.PIPE)
        assert result.returncode == 1 and b"standard output" in result.stderr
    with tap.case("help and messages come from the table of formats"):
        text = tap.run("export", "--help").stdout
        assert all(re.search(rf"^  {to} ", text, re.M) for to in FORMATS), text
        result = tap.run("export", run, "--to", "junits", code=2)
        assert "did you mean junit?" in result.stderr and all(to in result.stderr for to in FORMATS), result.stderr
        assert "--to FORMAT is missing" in tap.run("export", run, code=2).stderr
        assert "FOLDER is missing" in tap.run("export", "--to", "junit", code=2).stderr
    with tap.case("every committed run exports"):
        reference = os.path.join(ROOT, "results/reference/demo")
        assert len(validated(export(reference, "junit"))) == len(read(reference, "results.csv"))
        assert len(strict(export(reference, "google-benchmark"))["benchmarks"]) > 500
tap.done()
