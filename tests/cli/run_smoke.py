"""Every native format through every workload on little data: short enough to run under valgrind."""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

with tap.scratch() as tmp:
    own = os.path.join(tmp, "own.h5")
    tap.run("gen", "-o", own, "-f", "hdf5-chunked:shuffle=1", "--samples", 2, "--frames", "40:60")
    for workload in ("full-load", "scan", "random-access", "slicing:window=10", "search", "column",
                     "feature", "batch-stats", "metadata", "open"):
        with tap.case(f"{workload.split(':')[0]} is verified in every format"):
            folder = os.path.join(tmp, workload.split(":")[0])
            tap.run("run", own, "-o", folder, "-w", workload, "--blocks", 1, "--no-plots")
            with open(os.path.join(folder, "results.csv"), newline="") as file:
                table = list(csv.DictReader(file))
            assert len(table) >= 17
            for r in table:
                fine = "none" if r["format"] == "null" or workload == "open" else "verified"
                assert (r["status"], r["verification"]) == ("ok", fine) or (
                    r["status"] == "not-applicable" and r["format"] == "null"), r
tap.done()
