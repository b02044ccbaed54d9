"""Real OpenFace folders through `fmtbench run`: a full table without an unverified row."""
import csv
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap


def rows(folder):
    with open(os.path.join(folder, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))


if tap.SHARED:
    openface = os.path.join(tap.SHARED, "openface")
    with tap.scratch() as tmp:
        with tap.case("the real folder gives a full table with no unverified row"):
            folder = os.path.join(tmp, "run")
            tap.run("run", openface, "-o", folder, "--blocks", "1", "--no-plots")
            table = [r for r in rows(folder) if r["format"] != "null"]
            assert len(table) > 90
            assert {r["workload"] for r in table} == {"full-load", "scan", "random-access", "slicing",
                                                      "search"}
            for r in table:
                assert r["status"] == "ok" and r["verification"] == "verified", r
                assert r["cache_state"] == "proven", r
        broken = os.path.join(tmp, "broken")
        os.mkdir(broken)
        shutil.copy(os.path.join(tap.SHARED, "openface-broken", "truncated-last-row.csv"),
                    os.path.join(broken, "cut_expert.csv"))
        shutil.copy(os.path.join(openface, "engagement_novice.csv"),
                    os.path.join(broken, "cut_novice.csv"))
        with open(os.path.join(broken, "cut_expert.csv")) as file:
            last = sum(1 for _ in file)
        with tap.case("a truncated row is an error with file and line"):
            result = tap.run("run", broken, "-o", os.path.join(tmp, "no"), code=1)
            assert f"cut_expert.csv:{last}" in result.stderr, result.stderr
            assert not os.path.exists(os.path.join(tmp, "no"))
        with tap.case("--skip-bad-rows leaves it out with a warning that counts"):
            result = tap.run("run", broken, "--skip-bad-rows", "-f", "raw", "-w", "scan", "--blocks",
                             "1", "--no-plots", "-o", os.path.join(tmp, "skip"))
            assert "skipped 1 " in result.stderr and "cut_expert.csv" in result.stderr, result.stderr
            assert rows(os.path.join(tmp, "skip"))[0]["verification"] == "verified"
else:
    with tap.case("a folder that holds no OpenFace files is refused"):
        with tap.scratch() as tmp:
            tap.run("run", tmp, code=1)
tap.done()
