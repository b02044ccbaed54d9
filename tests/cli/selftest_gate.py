"""`fmtbench selftest-gate`: rows as they come, going on from them, what is refused."""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

SMALL = ["synth:samples=1,frames=60:60", "--pairs", "3"]


def trials(out, *args, code=0):
    result = tap.run("selftest-gate", *SMALL, "-o", out, *args, code=code, timeout=100)
    with open(f"{out}/selftest.csv", newline="") as file:
        return list(csv.DictReader(file)), result


with tap.scratch() as scratch:
    out = f"{scratch}/deep/out"
    with tap.case("a row a trial, each gate beside it, and the extra read is reported"):
        rows, r = trials(out, "--identical", "1", "--slow-downs", "0", "--extra-reads", "1")
        assert [(row["trial"], row["kind"], row["injected"]) for row in rows] == \
            [("1", "identical", "0"), ("2", "extra-read", "0")], rows
        assert rows[0]["verdict"] == "inconclusive" and not rows[0]["counters"], rows[0]
        assert rows[1]["verdict"] == "regressed" and "read calls" in rows[1]["counters"], rows[1]
        assert sorted(os.listdir(f"{out}/trials")) == ["0001", "0002"]
        assert os.path.exists(f"{out}/trials/0002/pairs.csv") and os.path.exists(f"{out}/environment.json")
        assert "extra reads reported                            1 of    1" in r.stdout, r.stdout
    with tap.case("a later call goes on, and leaves what is there"):
        more, _ = trials(out, "--identical", "2", "--slow-downs", "0", "--extra-reads", "1")
        assert more[:2] == rows and [row["kind"] for row in more[2:]] == ["identical"], more
        same, _ = trials(out, "--identical", "2", "--slow-downs", "0", "--extra-reads", "1")
        assert same == more
    with tap.case("so few pairs state no smallest effect: exit code 4, and the rows stay"):
        same, r = trials(out, "--identical", "2", "--slow-downs", "1", code=4)
        assert same == more and "give more --pairs" in r.stderr, r.stderr
    with tap.case("a file that is none of these is refused, and left as it was"):
        for text in ("hello\n", "", open(f"{out}/selftest.csv").read()[:-40]):
            with open(f"{out}/selftest.csv", "w") as file:
                file.write(text)
            r = tap.run("selftest-gate", *SMALL, "-o", out, code=1)
            assert "selftest.csv" in r.stderr and open(f"{out}/selftest.csv").read() == text, r.stderr
    with tap.case("wrong words: exit code 2"):
        for args in (["--identical", "0"], ["--pairs", "x"], ["--handle", "twice"], ["-w", "slcing"],
                     ["-f", "zip"], ["a", "b"]):
            r = tap.run("selftest-gate", *args, code=2)
            assert r.stderr and not r.stdout, (args, r.stderr)
tap.done()
