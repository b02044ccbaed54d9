#!/usr/bin/python3
"""The reader past H5Dread against H5Dread: random datasets, damaged chunks, real files; and its rows
in a run. `make bench-direct-equal` takes many more datasets."""
import csv
import glob
import os
import re
import subprocess
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

FOLDER = os.path.join(os.path.dirname(os.path.abspath(tap.FMTBENCH)), "tests/interop")


def equal(program, *args):
    """Runs a comparison; its sums as numbers."""
    result = subprocess.run([os.path.join(FOLDER, program), *args], capture_output=True, text=True,
                            timeout=600)
    assert result.returncode == 0, (result.returncode, result.stdout, result.stderr[-3000:])
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", result.stdout)}


with tap.case("600 random datasets are delivered as by H5Dread"):
    sums = equal("direct_random", "random", "600", "1")
    assert sums["arrays"] == 600, sums
    assert sums["direct"] > 150 and sums["decoded"] > 2000, sums
    assert sums["slabs"] > 3000 and sums["handed_over"] < sums["slabs"] / 5, sums

with tap.case("500 damaged datasets are delivered, or refused, as by H5Dread"):
    sums = equal("direct_damage", "500", "1")
    assert sums["arrays"] == 500, sums
    assert sums["direct"] > 150 and sums["failed"] > 100 and sums["handed_over"] > 100, sums

if tap.SHARED:
    with tap.case("every array of the real files is delivered as by H5Dread"):
        files = sorted(glob.glob(os.path.join(tap.SHARED, "hdf5", "*.h*5*")))
        assert len(files) > 3, files
        sums = equal("direct_random", "files", *files)
        assert sums["arrays"] > 500 and sums["direct"] > 20 and sums["failed"] == 0, sums

PROGRAM = """
#include "hdf5_direct.h"
#include <stdio.h>
int main(int argc, char **argv)
{
    struct fb_direct_file *file;
    struct fb_direct_array *array;
    char why[FB_DIRECT_WHY];
    const uint64_t start[2] = { 90, 0 }, count[2] = { 3, 2 };
    double values[6];
    struct fb_direct_counts counts;
    if (argc != 2 || fb_direct_open(argv[1], 2, &file, why) ||
        fb_direct_array_open(file, "a/b", &array, why) ||
        fb_direct_read(array, start, count, values, sizeof values, why))
        return fprintf(stderr, "%s\\n", why), 1;
    fb_direct_array_counts(array, &counts);
    for (int i = 0; i < 6; i++)
        printf("%g ", values[i]);
    printf("%llu %llu", (unsigned long long)counts.decoded, (unsigned long long)counts.handed_over);
    fb_direct_array_close(array);
    fb_direct_close(file);
    return 0;
}
"""

with tap.case("a program of others needs the header and the archive alone"):
    with tap.scratch() as folder:
        source, path = os.path.join(folder, "x.c"), os.path.join(folder, "x.h5")
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
        library = os.path.join(os.path.dirname(os.path.abspath(tap.FMTBENCH)), "libhdf5_direct.a")
        with h5py.File(path, "w") as file:
            file.create_dataset("a/b", data=np.arange(200.0).reshape(100, 2).astype(">f8"),
                                chunks=(8, 2), compression="gzip", shuffle=True, fletcher32=True)
        with open(source, "w") as file:
            file.write(PROGRAM)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hdf5-serial", "libdeflate"],
                               check=True, capture_output=True, text=True).stdout.split()
        if os.environ.get("ASAN_OPTIONS"):
            flags.append("-fsanitize=address,undefined")
        subprocess.run([*os.environ.get("CC", "cc").split(), "-o", os.path.join(folder, "x"), source,
                        "-I", os.path.join(root, "formats/direct"), library, *flags, "-pthread"],
                       check=True)
        result = subprocess.run([os.path.join(folder, "x"), path], capture_output=True, text=True)
        assert result.stdout == "180 181 182 183 184 185 1 0", (result.stdout, result.stderr)

with tap.case("a run verifies it, tells who was not read directly, and shares the writer's file"):
    with tap.scratch() as folder:
        tap.run("run", "synth:samples=2,frames=100:200", "-f", "hdf5-chunked", "-f",
                "hdf5-direct:threads=2", "-f", "hdf5-direct", "-f", "hdf5-chunked:level=0", "-f",
                "hdf5-direct:level=0", "-w", "full-load", "-w", "slicing", "--blocks", "1",
                "--cache", "warm", "--handle", "once",
                "--keep-files", "-o", folder, timeout=300)
        with open(os.path.join(folder, "results.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 10, len(rows)
        for row in rows:
            assert row["status"] == "ok" and row["verification"] == "verified", row
            plain = row["format"] == "hdf5-direct" and "level=0" in row["options"]
            assert row["fallback"] == ("chunked, no filters" if plain else ""), row
        assert len(glob.glob(os.path.join(folder, "**/*.h5"), recursive=True)) == 2

with tap.case("the user's own file"):
    with tap.scratch() as folder:
        path = os.path.join(folder, "x.h5")
        tap.run("gen", "-f", "hdf5-chunked:shuffle=1", "--samples", "2", "-o", path)
        tap.run("run", path, "-f", "hdf5-direct-as-is:threads=1", "-f", "as-is", "-w", "random-access",
                "--blocks", "1", "--cache", "warm", "--handle", "keep", "-o", os.path.join(folder, "run"), timeout=300)
        with open(os.path.join(folder, "run", "results.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["verification"] for row in rows] == ["verified"] * 2, rows

with tap.case("nobody gets it who did not ask"):
    listed = tap.run("list").stdout
    assert "hdf5-direct [on request]" in re.sub(r"\x1b\[[0-9;]*m", "", listed), listed

tap.done()
