"""The generator makes the same bytes whatever compiler and optimisation built it.

Builds only the files that it consists of, with a driver that writes every array to stdout."""
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import tap

DRIVER = r"""
#include "datasets/importers.h"
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct fb_options options;
    struct fb_source *source;
    if (fb_options_parse(fb_importer_synth.options, "synth", "samples=6,dtype=f64", &options,
                         NULL) ||
        fb_importer_synth.open(NULL, &options, NULL, NULL, &source, NULL))
        return 1;
    const struct fb_catalog *catalog = fb_source_catalog(source);
    uint64_t zero[3] = { 0 };
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        void *data = malloc(array->bytes);
        if (!data || fb_source_read(source, i, zero, array->dims, data, array->bytes, NULL) ||
            fwrite(data, 1, array->bytes, stdout) != array->bytes)
            return 1;
        free(data);
    }
    fb_source_close(source);
    return 0;
}
"""
FILES = ["datasets/synth.c", "datasets/synth_motion.c", "datasets/features.c", "datasets/source.c",
         "datasets/catalog.c", "datasets/dtype.c", "base/error.c", "base/interrupt.c",
         "base/number.c", "base/options.c", "base/random.c"]
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-I.", "-ffp-contract=off"]
BUILDS = [[compiler, *flags] for compiler in ("gcc", "clang") if shutil.which(compiler)
          for flags in (["-O0"], ["-O2"], ["-O3", "-march=native"], ["-Os", "-fno-builtin"])]


def output_hash(build, scratch):
    program = os.path.join(scratch, "driver")
    driver = os.path.join(scratch, "driver.c")
    subprocess.run([*build, *FLAGS, "-o", program, driver, *FILES, "-lm"], cwd=ROOT, check=True,
                   timeout=120)
    output = subprocess.run([program], check=True, stdout=subprocess.PIPE, timeout=120).stdout
    assert len(output) > 5e6, len(output)
    return hashlib.sha256(output).hexdigest()


with tap.scratch() as scratch:
    with open(os.path.join(scratch, "driver.c"), "w") as stream:
        stream.write(DRIVER)
    hashes = set()
    for build in BUILDS:
        with tap.case("the same bytes from " + " ".join(build)):
            hashes.add(output_hash(build, scratch))
            assert len(hashes) == 1, hashes

with tap.case("compilers to compare"):
    assert len(BUILDS) > 1

tap.done()
