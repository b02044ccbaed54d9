"""`fmtbench gate`: verdicts that no noise can change, from counters or from effects of ten times; what it
writes; sides that fail, which are never a pass; refusals, Ctrl-C; and the workflow that is shipped."""
import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
WORKFLOW = os.path.join(ROOT, "examples/github-actions.yml")
PROXY = os.path.join(ROOT, "tests/workers/proxy.py")
ONE = ["-f", "hdf5-chunked", "-w", "slicing:n=2"]  # one cell
# The first look is at the last pair, and one above the threshold more or less is none here.
CLOCK = ["--pairs", 5, "--threshold", "+50%"]
CONFIRMING = 36
SLOW = '{"slow_down_ppm":9000000}'


def gate(file, *args, code=0, env=None):
    """Runs a gate with a folder for temporary files of its own, which must be empty afterwards."""
    result = tap.run("gate", file, *args, code=code, env={**ENV, **(env or {})})
    assert os.listdir(TMP) == [], os.listdir(TMP)
    return result


def proxy(what, *program):
    return " ".join([sys.executable, PROXY, what, *(program or (os.path.abspath(tap.FMTBENCH), "worker"))])


def read(folder, name="gate.csv"):
    with open(os.path.join(folder, name), newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(None not in row and None not in row.values() for row in rows), rows
    return rows


def measured(*args, code, env=None):
    """The rows of a gate over the little file: those of A and B, and the control's."""
    global folders
    folders += 1
    out = f"{scratch}/out-{folders}"
    result = gate(little, *args, "-o", out, code=code, env=env)
    rows = read(out)
    control = [row for row in rows if row["arm"] == "A/A"]
    assert [row["cell"] for row in control] == ["control"] * (0 if "--counters-only" in args else 1)
    return [row for row in rows if row["arm"] == "A/B"], control, out, result


def no_data(*args, reason, env=None):
    """A gate of one cell that must end without data and say why, in table and file."""
    (row,), _, _, result = measured(*ONE, *args, code=4, env=env)
    assert row["verdict"] == "no data" and reason in row["reason"], row
    assert "1 without data" in result.stdout and row["reason"][:40] in result.stdout, result.stdout
    return row


folders = 0
with tap.scratch() as scratch:
    TMP, little, other = f"{scratch}/tmp", f"{scratch}/little.h5", f"{scratch}/other.h5"
    ENV = {**os.environ, "TMPDIR": TMP}
    os.mkdir(TMP)
    for name, seed in ((little, 1), (other, 2)):
        tap.run("gen", "-f", "hdf5-chunked", "-o", name, "--samples", 1, "--frames", "150:150", "--seed", seed)

    # --- counters ---------------------------------------------------------------------------------

    with tap.case("--counters-only, the same twice: equivalent, in complete tables that fit together"):
        rows, _, out, r = measured("-f", "hdf5-chunked", "-f", "hdf5-contiguous", "-w", "slicing:n=2", "-w",
                                   "random-access:n=1", "--handle", "once,keep", "--counters-only", code=0)
        assert len(rows) == len({row["cell"] for row in rows}) == 8, rows
        for row in rows:
            assert row["verdict"] == "equivalent" and row["counters"] == "" and row["pairs"] == "1", row
            assert row["format"] == row["b_format"] and row["options"] == row["b_options"] != "", row
            for name in ("read_bytes", "read_calls", "file_bytes"):
                assert row[f"a_{name}"] == row[f"b_{name}"] and int(row[f"a_{name}"]) > 0, row
            assert (row["a_chunks"] != "0") == (row["format"] == "hdf5-chunked"), row
            # The clock is not told where it is not asked.
            assert row["change"] == row["p_value"] == row["a_median_ns"] == row["smallest_effect"] == "", row
        assert len({(row["workload"], row["handle"], row["format"]) for row in rows}) == 8
        pairs = read(out, "pairs.csv")
        assert sorted(pair["cell"] for pair in pairs) == sorted(row["cell"] for row in rows), pairs
        assert all(pair["arm"] == "A/B" and pair["pair"] == pair["stage"] == "1" for pair in pairs), pairs
        assert {row["gate_id"] for row in rows} == {pair["gate_id"] for pair in pairs}
        assert "8 cells: 8 equivalent" in r.stdout and f"{out}/gate.csv" in r.stdout, r.stdout
        assert "would have been found" not in r.stdout, r.stdout
    with tap.case("environment.json has the sides"):
        _, _, out, _ = measured(*ONE, "--counters-only", "--b-worker", proxy("{}"), "--b-env", "X=1",
                                "--b-env", "Y=2", "--a-env", "Z=", "--seed", 7, "--threshold", "3", code=0)
        with open(f"{out}/environment.json") as file:
            run = json.load(file)["run"]
        assert run["sides"] == [{"env": ["Z="]}, {"worker": proxy("{}"), "env": ["X=1", "Y=2"]}], run
        assert run["seed"] == 7 and run["threshold"] == 0.03 and run["counters_only"] is True, run
        assert run["interrupted"] is False and run["gate_id"] == read(out)[0]["gate_id"], run
    with tap.case("variables reach the workers of their side alone"):
        for side in "ab":
            log = f"{scratch}/log-{side}"
            gate(little, *ONE, "--counters-only", "--a-worker", proxy("{}"), "--b-worker", proxy("{}"),
                 f"--{side}-env", f"PROXY_LOG={log}")
            assert len(open(log).readlines()) == 1
    with tap.case("other chunks, gzip 9: regressed by counters alone, from a single pair, and by the clock"):
        worse = ["-f", "hdf5-chunked:level=1,chunk=50x68x2", "--b-format", "hdf5-chunked:level=9,chunk=150x1x1",
                 "-w", "slicing:window=50,n=2"]
        (row,), _, _, r = measured(*worse, "--counters-only", code=3)
        assert row["verdict"] == "regressed" and row["reason"] == "counters" and row["pairs"] == "1", row
        for name, what in [("read_calls", "read calls"), ("chunks", "chunks inflated"),
                           ("inflated_bytes", "bytes inflated")]:
            a, b = row[f"a_{name}"], row[f"b_{name}"]
            assert int(b) > int(a) > 0 and f"{what} {a} -> {b}" in row["counters"], row
        assert row["counters"][:50] in r.stdout and "1 regressed" in r.stdout, r.stdout
        assert "level=1,shuffle=0,chunk=50x68x2" in row["options"] and "level=9" in row["b_options"], row
        (row,), control, _, _ = measured(*worse, *CLOCK, code=3)
        assert row["verdict"] == "regressed" and "chunks inflated" in row["counters"], row
        assert float(row["change"]) > 0.5 and control[0]["verdict"] not in ("regressed", "improved"), (row, control)
    with tap.case("one read call more: regressed, from a single pair, and with less work improved"):
        (row,), _, _, _ = measured(*ONE, "--counters-only", "--b-worker", proxy('{"extra_read":true}'), code=3)
        calls, read_bytes = int(row["a_read_calls"]), int(row["a_read_bytes"])
        assert (row["verdict"], row["reason"], row["pairs"]) == ("regressed", "counters", "1"), row
        assert row["counters"] == (f"read calls {calls} -> {calls + 1}, "
                                   f"bytes read {read_bytes} -> {read_bytes + 1}"), row
        (row,), _, _, _ = measured(*ONE, "--pairs", 1, "--b-worker", proxy('{"extra_read":true}'), code=3)
        assert (row["verdict"], row["reason"], row["pairs"]) == ("regressed", "counters", "1"), row
        (row,), _, _, _ = measured(*ONE, "--counters-only", "--a-worker", proxy('{"extra_read":true}'), code=0)
        assert row["verdict"] == "improved" and f"read calls {calls + 1} -> {calls}" in row["counters"], row
    with tap.case("--counters-only of a worker that has none: no data"):
        # A format that has no traced pass, which would count chunks.
        args = ["-f", "raw", "-w", "slicing:n=2", "--counters-only"]
        assert measured(*args, "--b-worker", proxy("{}"), code=0)[0][0]["verdict"] == "equivalent"
        (row,), _, _, _ = measured(*args, "--b-worker", proxy("mute"), code=4)
        assert row["verdict"] == "no data" and "no counter in common" in row["reason"], row
        assert row["a_read_calls"] and not row["b_read_calls"], row

    # --- clock ------------------------------------------------------------------------------------

    with tap.case("ten times as slow: regressed by the clock, although no counter differs; confirmed"):
        (row,), control, slow, r = measured(*ONE, *CLOCK, "--b-worker", proxy(SLOW), code=3)
        assert (row["verdict"], row["counters"], row["reason"]) == ("regressed", "", ""), row
        assert (row["pairs"], row["confirm_pairs"], row["looks"]) == ("5", str(CONFIRMING), "1"), row
        assert float(row["p_value"]) == 0.5**5 <= float(row["level"]) and float(row["confirm_p_value"]) < 0.05
        assert float(row["change_lower"]) <= float(row["change"]) <= float(row["change_upper"]), row
        assert float(row["change_lower"]) > 0.5 and row["threshold"] == "0.5", row
        assert control[0]["verdict"] not in ("regressed", "improved") and control[0]["pairs"] == "3", control
        assert float(control[0]["confirm_p_value"]) > 0.05, control
        pairs = read(slow, "pairs.csv")
        for arm, first, fresh in ("A/B", 5, CONFIRMING), ("A/A", 3, CONFIRMING // 2):
            own = [pair for pair in pairs if pair["arm"] == arm]
            assert [(pair["stage"], pair["pair"]) for pair in own] == \
                [("1", str(i + 1)) for i in range(first)] + [("2", str(i + 1)) for i in range(fresh)], own
            orders = [pair["order"] for pair in own]
            assert all({*orders[i:i + 2]} == {"AB", "BA"} for i in range(0, len(orders) - 1, 2)), orders
        starts = [int(pair["start_ns"]) for pair in pairs]
        assert starts == sorted(starts)
        ratios = sorted(int(pair["b_ns"]) / int(pair["a_ns"]) for pair in pairs if pair["arm"] == "A/B")
        assert abs(ratios[len(ratios) // 2] - 1 - float(row["change"])) < 1e-6, (ratios, row)
    with tap.case("A ten times as slow: improved, exit code 0"):
        (row,), control, _, r = measured(*ONE, *CLOCK, "--a-worker", proxy(SLOW), code=0)
        assert (row["verdict"], row["counters"], row["confirm_pairs"]) == ("improved", "", "0"), row
        assert float(row["change"]) < -0.33 and "1 improved" in r.stdout, row
    with tap.case("times of a cache state that nobody proved: inconclusive, and why"):
        # A tmpfs keeps its files in memory: nothing there is ever cold.
        with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
            (row,), _, _, _ = measured(*ONE, *CLOCK, "--cache", "cold", "--b-worker", proxy(SLOW), code=4,
                                       env={"TMPDIR": memory})
        assert row["cache_state"] == "cold-unproven" and row["verdict"] == "inconclusive", row
        assert "tmpfs" in row["reason"], row
        (row,), control, _, _ = measured(*ONE, *CLOCK, "--b-worker", proxy(SLOW), code=3)
        assert row["cache_state"] == control[0]["cache_state"] == "proven", (row, control)
    with tap.case("too few pairs for any verdict: inconclusive, exit code 4"):
        # 2^-5 is above the half of 5 % that each of two cells has.
        rows, _, _, r = measured(*ONE, "-w", "random-access:n=1", "--pairs", 5, code=4)
        for row in rows:
            assert row["verdict"] == "inconclusive" and "more --pairs" in row["reason"], row
            assert row["pairs"] == "5" and float(row["p_value"]) > float(row["level"]), row
        assert "2 inconclusive" in r.stdout, r.stdout
    with tap.case("--time-limit before the first pair: no data, exit code 4"):
        rows, _, _, _ = measured(*ONE, "-w", "random-access:n=1", "--time-limit", 1, "--b-worker", proxy("wait"),
                                 code=4)
        for row in rows:
            assert row["verdict"] == "no data" and "ended before its turn" in row["reason"], row
            assert row["pairs"] == "0" and row["counters"] == "", row
        # Counting has ended then too, and what was not counted is not 0.
        assert rows[0]["a_chunks"] == rows[0]["b_chunks"] != "0" and rows[1]["a_chunks"] == "", rows

    # --- sides that fail --------------------------------------------------------------------------

    with tap.case("workers that crash, hang, deliver wrong bytes or do not exist: no data, and why"):
        for worker, reason in [
                (proxy("crash"), "the disk is on fire"), (proxy("hang"), "block timeout of 1 s"),
                (proxy(json.dumps({"file": other}, separators=(",", ":"))), "wrong bytes"),
                ("/nowhere/fmtbench worker", "No such file"), ("/bin/true", "ended in the middle"),
                (proxy("{}", "/bin/false"), "code 1")]:
            limit = ["--block-timeout", 1] if "hang" in worker else []
            for extra in (["--counters-only"], ["--pairs", 3]):
                row = no_data("--b-worker", worker, *limit, *extra, reason=reason)
                assert row["reason"].startswith("side B: ") and row["pairs"] == "0", row
        no_data("--a-worker", proxy("crash"), "--pairs", 3, reason="side A: ")
    with tap.case("a worker that hangs later on: what it measured before is no pass either"):
        row = no_data("--pairs", 5, "--block-timeout", 1, "--b-worker", proxy("hang@4"), reason="block timeout",
                      env={"PROXY_LOG": f"{scratch}/log-later"})
        assert row["pairs"] == "3" and row["change"] == row["a_median_ns"] == row["b_median_ns"] == "", row
    with tap.case("one cell without data does not hide another that is slower"):
        # B reads both as HDF5, which one of them is not.
        rows, _, _, r = measured("-f", "hdf5-chunked", "-f", "raw", "-w", "slicing:n=2", "--counters-only",
                                 "--b-worker", proxy('{"extra_read":true,"format":"hdf5-chunked"}'), code=3)
        assert sorted(row["verdict"] for row in rows) == ["no data", "regressed"], rows
        lines = r.stdout.splitlines()
        assert lines[1].endswith("regressed") and "1 regressed, 1 without data" in r.stdout, r.stdout
    with tap.case("--b-file: the same data, none, other data, damaged, empty"):
        same, empty, cut = f"{scratch}/same.h5", f"{scratch}/empty.h5", f"{scratch}/cut.h5"
        tap.run("convert", little, "-f", "hdf5-contiguous", "-o", same)
        with open(little, "rb") as file, open(cut, "wb") as out, open(empty, "wb"):
            out.write(file.read(3000))
        (row,), _, _, _ = measured("-w", "slicing:n=2", "--counters-only", "--b-file", little, code=0)
        assert row["format"] == row["b_format"] == "as-is" and row["verdict"] == "equivalent", row
        (row,), _, _, _ = measured("-w", "slicing:n=2", "--counters-only", "--b-file", same, code=3)
        assert row["b_file_bytes"] == str(os.path.getsize(same)) and "file bytes" in row["counters"], row
        for file, reason in [(other, "wrong bytes"), (cut, "damaged"), (empty, "no HDF5 file"),
                             (scratch, "")]:
            (row,), _, _, _ = measured("-w", "slicing:n=2", "--counters-only", "--b-file", file, code=4)
            assert row["verdict"] == "no data" and reason in row["reason"], row
            assert row["reason"].startswith("side B: "), row
        r = gate(little, "--counters-only", "--b-file", f"{scratch}/none.h5", code=1)
        assert "none.h5: No such file" in r.stderr, r.stderr
        r = gate(little, *ONE, "--b-file", same, code=2)
        assert "leave out hdf5-chunked" in r.stderr, r.stderr
    with tap.case("a format without a file in this source: left out, and alone nothing to compare"):
        r = gate("synth:samples=1", "-f", "as-is", "-w", "open", code=4)
        assert "nothing to compare: SOURCE is no HDF5 file" in r.stderr, r.stderr
        r = gate("synth:samples=1", "-f", "as-is", "-f", "raw", "-w", "slicing:n=2", "--counters-only")
        assert "1 equivalent" in r.stdout, r.stdout

    # --- words ------------------------------------------------------------------------------------

    with tap.case("wrong words: exit code 2, and which"):
        for args, words in [
                (["--threshold", "0"], "such as +2%"), (["--threshold=-2%"], "such as +2%"),
                (["--threshold", "%"], "such as +2%"), (["--threshold", "2%%"], "such as +2%"),
                (["--threshold", "2x"], "such as +2%"), (["--threshold", "nan"], "such as +2%"),
                (["--threshold", "2000"], "such as +2%"), (["--threshold", ""], "such as +2%"),
                (["--pairs", "0"], "pairs"), (["--pairs", "4097"], "pairs"), (["--pairs", "x"], "pairs"),
                (["--b-env", "LIBRARY"], "'LIBRARY' is not NAME=VALUE"),
                (["--b-env", "=x"], "'=x' is not NAME=VALUE"), (["--a-env", "A=b c"], "'A=b c' is not"),
                (["-f", "raw", "-f", "hdf5-chunked", "--b-format", "raw-mmap"], "give one -f"),
                (["-f", "nosuch"], "nosuch"), (["--b-format", "nosuch"], "nosuch"),
                (["--b-format", "hdf5-chunked:level=10"], "level"), (["-w", "nosuch"], "nosuch"),
                (["-w", "slicing:n=x"], "n="), (["--cache", "hot"], "hot"), (["--handle", "twice"], "twice"),
                (["--time-limit", "0"], "time-limit"), (["--seed", "-1"], "seed"), (["--color=blue"], "")]:
            r = gate(little, *args, code=2)
            assert r.stderr and words in r.stderr and not r.stdout, (args, r.stderr)
        r = tap.run("gate", little, little, code=2)
        assert r.stderr, r.stderr
    with tap.case("a folder that holds results already is refused, by `run` too"):
        before = open(f"{slow}/gate.csv").read()
        for args in (["gate", little, *ONE], ["run", little, *ONE]):
            r = tap.run(*args, "-o", slow, code=2)
            assert "holds a gate already" in r.stderr, r.stderr
        os.makedirs(f"{scratch}/taken")
        open(f"{scratch}/taken/results.csv", "w").close()
        assert "holds a run already" in gate(little, *ONE, "-o", f"{scratch}/taken", code=2).stderr
        assert open(f"{slow}/gate.csv").read() == before
    with tap.case("--help tells what the exit codes mean"):
        text = " ".join(tap.run("gate", "--help").stdout.split())
        assert "0 no regression, 1 error, 2 usage, 3 regression, 4 inconclusive or no data" in text, text

    # --- Ctrl-C, show, export ---------------------------------------------------------------------

    with tap.case("Ctrl-C: what was measured is judged and written, and nothing is left behind"):
        log, out = f"{scratch}/log", f"{scratch}/interrupted"
        gate_process = subprocess.Popen(
            [tap.FMTBENCH, "gate", little, *ONE, "--b-worker", proxy("hang@4"), "-o", out],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**ENV, "PROXY_LOG": log})
        deadline = time.monotonic() + 60
        while not os.path.exists(log) or len(open(log).readlines()) < 4:
            assert time.monotonic() < deadline and gate_process.poll() is None
            time.sleep(0.01)
        os.killpg(gate_process.pid, signal.SIGINT)
        stdout, stderr = gate_process.communicate(timeout=60)
        assert gate_process.returncode == 4, (gate_process.returncode, stdout, stderr)
        row, control = read(out)
        assert row["pairs"] == "3" and row["verdict"] == "inconclusive", row
        assert "before all pairs were run" in row["reason"] and row["a_median_ns"], row
        assert sum(pair["arm"] == "A/B" for pair in read(out, "pairs.csv")) == 3
        assert json.load(open(f"{out}/environment.json"))["run"]["interrupted"] is True
        assert "1 inconclusive" in stdout and os.listdir(TMP) == [], (stdout, os.listdir(TMP))
        for pid in open(log).read().split():
            assert not os.path.exists(f"/proc/{pid}"), pid
    with tap.case("`show` prints the gate's table again, and fails where it is damaged"):
        table = r"(?s)cell +A +B .*?\n\n1 cell: 1 regressed\n"
        text = tap.run("show", slow).stdout
        assert re.fullmatch(table, text) and "control A/A" in text, text
        _, _, out, r = measured(*ONE, "--counters-only", code=0)
        assert r.stdout.startswith(tap.run("show", out).stdout), r.stdout
        with open(f"{out}/gate.csv", "a") as file:
            file.write("1,2\n")
        assert "gate.csv" in tap.run("show", out, code=1).stderr
    with tap.case("a gate by counters alone can be exported in every format"):
        _, _, out, _ = measured(*ONE, "--counters-only", code=0)
        for to in ("markdown", "junit", "github-action-benchmark", "google-benchmark"):
            tap.run("export", out, "--to", to)
    # --- what is shipped --------------------------------------------------------------------------

    with tap.case("the example workflow: its steps run as they are, and keep the gate's exit code"):
        with open(WORKFLOW) as file:
            workflow = yaml.safe_load(file)
        job, = workflow["jobs"].values()
        assert workflow[True] == "pull_request" and job["runs-on"], workflow  # YAML 1.1: on is true
        steps = {step["name"]: step for step in job["steps"]}
        assert all(("run" in step) != ("uses" in step) for step in steps.values()), steps
        site = f"{scratch}/site"
        for side in ("base", "head"):
            os.makedirs(f"{site}/{side}/build")
            os.symlink(os.path.abspath(tap.FMTBENCH), f"{site}/{side}/build/fmtbench")
        # The clock has no place here; everything else stays.
        line = steps["Gate"]["run"].replace("fmtbench gate ", "fmtbench gate --counters-only ")
        extra = {"GITHUB_STEP_SUMMARY": f"{site}/summary.md"}
        for worker, code in [("head/build/fmtbench worker", 0), (proxy('{"extra_read":true}'), 3)]:
            subprocess.run(["rm", "-rf", f"{site}/gate", f"{site}/summary.md"], check=True)
            commands = line.replace("--b-worker 'head/build/fmtbench worker'", f"--b-worker '{worker}'")
            r = subprocess.run(["bash", "-ec", commands], cwd=site, env={**ENV, **extra}, timeout=100,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert r.returncode == code, (commands, r)
            subprocess.run(["bash", "-ec", steps["Export"]["run"]], cwd=site, env={**ENV, **extra}, check=True,
                           timeout=100)
            summary = open(f"{site}/summary.md").read()
            assert summary == open(f"{site}/gate/comment.md").read() and "### fmtbench gate" in summary
            assert ("regressed" in summary) == (code == 3), summary
            assert "<testsuite" in open(f"{site}/gate/fmtbench.xml").read()
        uploaded = steps["Keep the results"]["with"]["path"]
        assert os.path.isdir(f"{site}/{uploaded}"), uploaded
        # Only the gate itself may fail the job; what follows runs all the same.
        after = job["steps"][[step["name"] for step in job["steps"]].index("Gate") + 1:]
        assert len(after) == 3 and all("!cancelled()" in step["if"] for step in after), after
    with tap.case("every fmtbench command in the workflow's comments and the README's section has its options"):
        with open(WORKFLOW) as file:
            text = re.sub(r"^# ?", "", file.read(), flags=re.M)
        with open(os.path.join(ROOT, "README.md")) as file:
            text += re.search(r"## In your CI\n(.*?)\n## ", file.read(), re.S).group(1)
        lines = re.findall(r"^ *(?:\S+/)?fmtbench (\w+) (.*)$", text.replace("\\\n", " "), re.M)
        assert len(lines) >= 10, lines
        for command, rest in lines:
            options = tap.run(command, "--help").stdout
            for word in shlex.split(rest, comments=True):
                assert not word.startswith("--") or re.search(rf"{word.split('=')[0]}\b", options), (command, word)
                assert not re.fullmatch("-[a-z]", word) or f" {word}, " in options or f" {word} " in options, word
tap.done()
