"""TAP for tests in Python: `with tap.case("what must hold"): assert ...`, then tap.done()."""
import contextlib
import ctypes
import mmap
import os
import subprocess
import sys
import tempfile
import traceback

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
# Real files that are at hand for development and CI only; None where they are not.
_shared = os.environ.get("FMTBENCH_SHARED", os.path.join(os.path.dirname(__file__), "../../shared/data"))
SHARED = os.path.abspath(_shared) if os.path.isdir(_shared) else None

# A sanitizer's own memory is counted as the program's.
SANITIZED = "ASAN_OPTIONS" in os.environ

_count = 0
_failed = 0


@contextlib.contextmanager
def case(name):
    """One test: fails on any exception, with its traceback as diagnostics."""
    global _count, _failed
    _count += 1
    try:
        yield
        print(f"ok {_count} - {name}")
    except Exception:
        _failed += 1
        print(f"not ok {_count} - {name}")
        for line in traceback.format_exc().splitlines():
            print(f"# {line}")
    sys.stdout.flush()


def done():
    print(f"1..{_count}" if _count else "1..0 # SKIP the real files are not at hand")
    sys.exit(1 if _failed else 0)


def resident(pid="self"):
    """Bytes of a process in memory."""
    with open(f"/proc/{pid}/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def cached(path):
    """The part of a file that is in the page cache, or of that file below a folder of which least is;
    mapping it brings none in."""
    if os.path.isdir(path):
        return min(cached(os.path.join(path, name)) for name in os.listdir(path))
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_WRITE,
                                             flags=mmap.MAP_PRIVATE) as pages:
        count = (len(pages) + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        vector = (ctypes.c_ubyte * count)()
        address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        assert libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(len(pages)), vector) == 0
        return sum(page & 1 for page in vector) / count


def run(*args, code=0, timeout=300, **kwargs):
    """Runs fmtbench; asserts the exit code (None: any). Returns the CompletedProcess with text."""
    result = subprocess.run([FMTBENCH, *map(str, args)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, errors="replace", timeout=timeout,
                            stdin=subprocess.DEVNULL, **kwargs)
    assert code is None or result.returncode == code, (
        f"fmtbench {' '.join(map(str, args))}: exit {result.returncode}, expected {code}\n"
        f"{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result


def scratch(within=None):
    """A temporary folder as a context manager; the system's place for them may lie in memory."""
    return tempfile.TemporaryDirectory(prefix="fmtbench-test-", dir=within)
