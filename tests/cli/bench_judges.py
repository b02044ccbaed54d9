"""What `make bench-repeat` and `make bench-cold` say of runs whose numbers are known: they judge files
alone, so that made-up ones do."""
import csv
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench")


def write(path, rows):
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return path


def judge(name, *args, code):
    result = subprocess.run([sys.executable, os.path.join(BENCH, name), *args], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return {line.split("\t")[0]: line.split("\t")[1:] for line in result.stdout.splitlines()
            if "\t" in line}, result


def cell(number, median, lower, upper, cache="warm", **more):
    return {"cell_id": f"c{number}", "status": "ok", "clock": "inner", "cache": cache,
            "median_ns": median, "lower_ns": lower, "upper_ns": upper, "workload": "scan",
            "format": "raw", "options": "", "handle": "once", **more}


with tap.scratch() as tmp:
    def repeat(first, second, code):
        return judge("repeat.py", "--results", write(os.path.join(tmp, "1.csv"), first),
                     write(os.path.join(tmp, "2.csv"), second), code=code)[0]

    with tap.case("repeat: two runs alike pass"):
        table = [cell(i, 1000 + i, 900, 1100) for i in range(20)]
        found = repeat(table, table, 0)
        assert found == {"repeat-warm-median-within-5pct": ["1", "0.90", "pass"],
                         "repeat-warm-intervals-overlap": ["1", "0.95", "pass"]}, found
    with tap.case("repeat: one median in ten may differ by 5 %, two may not"):
        for bad, share, word in ((2, "0.9", "pass"), (3, "0.85", "fail")):
            other = [cell(i, (1000 + i) * (1.05 if i < bad else 1.049) // 1, 900, 1100)
                     for i in range(20)]
            other = [{**r, "median_ns": int(r["median_ns"]) + (1 if i < bad else -1)}
                     for i, r in enumerate(other)]
            found = repeat(table, other, word == "fail")
            assert found["repeat-warm-median-within-5pct"] == [share, "0.90", word], found
            assert found["repeat-warm-intervals-overlap"][2] == "pass"
            assert repeat(other, table, word == "fail") == found
    with tap.case("repeat: one interval in twenty may lie apart, two may not; none overlaps nothing"):
        for bad, share, word in ((1, "0.95", "pass"), (2, "0.9", "fail")):
            for ends in ((1101, 1200), ("", "")):
                other = [cell(i, 1000 + i, *(ends if i < bad else (1100, 1200))) for i in range(20)]
                found = repeat(table, other, word == "fail")
                assert found["repeat-warm-intervals-overlap"] == [share, "0.95", word], found
    with tap.case("repeat: cold rows and those of another clock or status are not judged"):
        more = [cell(50, 1000, 900, 1100, cache="cold"), cell(51, 1000, 900, 1100, clock="process"),
                cell(52, 1000, 900, 1100, status="failed")]
        changed = [{**r, "median_ns": 9000, "lower_ns": 8000, "upper_ns": 9999} for r in more]
        assert repeat(table + more, table + changed, 0)["repeat-warm-intervals-overlap"][0] == "1"
    with tap.case("repeat: nothing in common is a failure"):
        assert repeat(table, [cell(99, 1, 1, 1)], 1)["repeat-warm-median-within-5pct"][2] == "fail"

    def cold(blocks, code, cells=None):
        cells = cells or [{"cell_id": "full", "status": "ok", "cache": "cold", "workload": "full-load",
                           "format": "raw", "file_bytes": 1000},
                          {"cell_id": "slices", "status": "ok", "cache": "cold", "workload": "slicing",
                           "format": "raw", "file_bytes": 1000},
                          {"cell_id": "warm", "status": "ok", "cache": "warm", "workload": "full-load",
                           "format": "raw", "file_bytes": 1000}]
        write(os.path.join(tmp, "results.csv"), cells)
        write(os.path.join(tmp, "blocks.csv"), blocks)
        return judge("cold.py", "--run", tmp, code=code)

    def block(name, resident=0, device=1000):
        return {"cell_id": name, "resident_before": resident, "device_bytes": device}

    good = [block("full") for _ in range(100)] + [block("slices", 0.01, 10) for _ in range(100)] + \
        [block("warm", 1, 0) for _ in range(100)]
    with tap.case("cold: cold blocks pass, and the filesystem is named"):
        found, result = cold(good, 0)
        assert found == {"cold-blocks": ["200", "200", "pass"],
                         "cold-resident-at-most-1pct": ["1", "0.99", "pass"],
                         "cold-full-load-device-bytes": ["1", "0.95", "pass"]}, found
        assert result.stdout.startswith(f"# filesystem of {tmp}: ")
    with tap.case("cold: one block in a hundred may be warm, or unknown; more may not"):
        for value in (0.011, 1, ""):
            assert cold([block("slices", value)] * 2 + good[2:], 0)[0][
                "cold-resident-at-most-1pct"] == ["0.99", "0.99", "pass"]
            assert cold([block("slices", value)] * 3 + good[3:], 1)[0][
                "cold-resident-at-most-1pct"] == ["0.985", "0.99", "fail"]
    with tap.case("cold: a full load that the device did not deliver fails, and so does an unknown one"):
        for value, share in ((949, "0.949"), ("", "0")):
            assert cold([block("full", 0, value)] + good[1:], 1)[0][
                "cold-full-load-device-bytes"] == [share, "0.95", "fail"]
        assert cold([block("full", 0, 950)] + good[1:], 0)
    with tap.case("cold: fewer than 200 blocks prove nothing"):
        assert cold(good[1:], 1)[0]["cold-blocks"] == ["199", "200", "fail"]
        assert cold([block("warm")], 1)[0]["cold-blocks"][2] == "fail"
tap.done()
