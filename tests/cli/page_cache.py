"""What a file's part in the page cache is before and after it is measured: warm is what reading it in order
makes of an empty cache, and cold blocks leave nothing behind."""
import csv
import mmap
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

PAGE = mmap.PAGESIZE
WORKERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../workers")


def read(path, part=1.0):
    """In pages from the end to the beginning, as nobody does who reads in order."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for page in reversed(range(int(os.path.getsize(path) * part) // PAGE + 1)):
            os.pread(file.fileno(), PAGE, page * PAGE)


def device_bytes(*args, code=0):
    """What a command has the device deliver."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock
    tap.run(*args, code=code)
    return (resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - before) * 512


with tap.scratch(within=os.path.dirname(os.path.abspath(tap.FMTBENCH))) as scratch:
    file = f"{scratch}/file.h5"
    tap.run("gen", "-o", file, "-f", "hdf5-chunked", "--samples", 4)
    size = os.path.getsize(file)

    tap.run("evict", file, code=None)
    read(file)
    if tap.cached(file) < 1 or tap.run("evict", file, code=None).returncode:
        print("1..0 # SKIP the build lies on a filesystem that keeps its files in memory")
        sys.exit(0)
    with tap.case("warming reads all of what is there in part, and nothing of what is there whole"):
        tap.run("evict", file)
        assert tap.cached(file) == 0, tap.cached(file)
        read(file, 0.5)
        assert 0.4 < tap.cached(file) < 0.6, tap.cached(file)
        assert device_bytes("evict", "--warm", file) >= size
        assert tap.cached(file) == 1, tap.cached(file)
        assert device_bytes("evict", "--warm", file) < size / 10
    once = ["-w", "slicing:n=2", "--handle", "once", "--cache", "warm"]
    for name, args in [
            ("run", ["run", file, "-f", "as-is", *once, "--blocks", 6, "--no-plots", "-o", f"{scratch}/run"]),
            ("gate", ["gate", file, *once, "--counters-only"]),
            ("explain", ["explain", file, "-w", "slicing:n=2"])]:
        with tap.case(f"{name}: a file that was in memory before is read anew, in order"):
            read(file)
            assert tap.cached(file) == 1, tap.cached(file)
            got = device_bytes(*args)
            assert got >= size, (got, size)
            assert tap.cached(file) > 0.99, tap.cached(file)
    with tap.case("it is there before a worker starts, which may read it while it prepares, and not in order"):
        log, own = f"{scratch}/log", " ".join([sys.executable, f"{WORKERS}/npy.py"])
        tap.run("run", "synth:samples=2", "--worker", f"{sys.executable} {WORKERS}/proxy.py cached {own}",
                "-f", "npy", *once, "--blocks", 2, "--no-plots", "-o", f"{scratch}/npy",
                env={**os.environ, "PROXY_LOG": log})
        with open(log) as lines:
            found = [float(line) for line in lines]
        assert len(found) == 2 and min(found) == 1, found
    with tap.case("tune: so are the present file and those that it writes, which are like it then"):
        with open(f"{scratch}/chosen", "w") as out:
            out.write("hdf5-contiguous\n")
        read(file)
        got = device_bytes("tune", file, "--access", "whole", "--candidates", f"{scratch}/chosen", "-o",
                           f"{scratch}/tune", "--no-plots")
        with open(f"{scratch}/tune/tune.csv", newline="") as table:
            written = [int(row["file_bytes"]) for row in csv.DictReader(table) if row["stage"] == "final"]
        assert written and got >= size + sum(written), (got, size, written)
    with tap.case("cold blocks leave nothing behind"):
        tap.run("run", file, "-f", "as-is", "-w", "full-load", "--handle", "once", "--cache", "cold",
                "--blocks", 6, "--no-plots", "-o", f"{scratch}/cold")
        assert tap.cached(file) <= 0.01, tap.cached(file)

tap.done()
