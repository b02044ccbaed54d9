"""Bad input: a clear message, exit code 1 or 2, and nothing half-written."""
import hashlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

NOBODY = 65534
ARRAY = "sample_000/expert/face"


def listing(folder):
    """Every file with its content."""
    seen = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        data = b"folder" if os.path.isdir(path) else open(path, "rb").read()
        seen[name] = hashlib.md5(data).hexdigest()
    return seen


def refused(folder, *args, says=(), codes=(1, 2), **kwargs):
    """Runs fmtbench, which must complain and leave the folder as it was."""
    before = listing(folder)
    r = tap.run(*args, code=None, **kwargs)
    what = f"{args}: exit {r.returncode}, {r.stderr!r}"
    assert r.returncode in codes, what
    assert re.search(r"^fmtbench[ a-z]*: \S", r.stderr, re.M), what
    assert "crashed" not in r.stderr and "Sanitizer" not in r.stderr, what
    for word in says:
        assert word in r.stderr, f"{word!r} is not in {what}"
    assert listing(folder) == before, f"{what}\n{set(listing(folder)) ^ set(before)}"
    return r


def each_reader(folder, path, **kwargs):
    """Every command that opens a file refuses this one; an existing output stays."""
    refused(folder, "info", path, **kwargs)
    refused(folder, "read", path, ARRAY, "-o", f"{folder}/kept.npy", **kwargs)
    refused(folder, "search", path, "--frames", "1:2", **kwargs)
    for spec in ["raw", "msgpack", "hdf5-chunked"]:
        refused(folder, "convert", path, "-f", spec, "-o", f"{folder}/kept", **kwargs)
        refused(folder, "convert", path, "-f", spec, "-o", f"{folder}/new", **kwargs)


def files(folder, good):
    with tap.case("a file that is missing, empty, a folder, of no format, or a pipe"):
        os.mkdir(f"{folder}/folder")
        open(f"{folder}/empty", "w").close()
        for name, data in [("text", b"hello\n"), ("list", b"\x93\x01\x02\x03"),
                           ("magic", b"FMTBRAW2" + bytes(100)), ("hdf", b"\x89HDF\r\n\x1a\r"),
                           ("short", b"FMTBRAW1")]:
            with open(f"{folder}/{name}", "wb") as f:
                f.write(data)
        each_reader(folder, f"{folder}/missing", says=["missing", "No such file"], codes=(1,))
        each_reader(folder, f"{folder}/empty", says=["is empty"], codes=(1,))
        each_reader(folder, f"{folder}/folder", says=["folder"], codes=(1,))
        each_reader(folder, "/dev/null", says=["not a regular file"], codes=(1,))
        for name in ["text", "list", "magic", "hdf"]:
            each_reader(folder, f"{folder}/{name}", says=[name, "no format"], codes=(1,))
        each_reader(folder, f"{folder}/short", says=["truncated"], codes=(1,))
    with tap.case("a file that may not be read"):
        shutil.copy(good["raw"], f"{folder}/secret")
        os.chmod(f"{folder}/secret", 0)
        drop = dict(user=NOBODY, group=NOBODY, extra_groups=[]) if os.geteuid() == 0 else {}
        # The folder may be listed by anyone for this, and the program run.
        os.chmod(folder, 0o755)
        shutil.copy(tap.FMTBENCH, f"{folder}/program")
        r = subprocess.run([f"{folder}/program", "info", f"{folder}/secret"], text=True,
                           capture_output=True, **drop)
        assert r.returncode == 1 and "Permission denied" in r.stderr, r
        r = subprocess.run([f"{folder}/program", "convert", good["raw"], "-f", "raw", "-o",
                            f"{folder}/none"], text=True, capture_output=True, **drop)
        if drop:
            assert r.returncode == 1 and "Permission denied" in r.stderr, r
            assert not os.path.exists(f"{folder}/none")
        os.remove(f"{folder}/program")
        os.remove(f"{folder}/secret")


def truncated(folder, good):
    for name, path in good.items():
        data = open(path, "rb").read()
        with tap.case(f"truncated at 20 places: {name}"):
            for i in range(20):
                size = 1 + (len(data) - 2) * i // 19
                with open(f"{folder}/cut", "wb") as f:
                    f.write(data[:size])
                refused(folder, "info", f"{folder}/cut", says=["cut"], codes=(1,))
                refused(folder, "convert", f"{folder}/cut", "-f", "raw", "-o", f"{folder}/kept",
                        codes=(1,))
            os.remove(f"{folder}/cut")


def flipped(folder, good):
    for name in ["raw", "msgpack"]:
        data = bytearray(open(good[name], "rb").read())
        places = random.Random(11)
        # Half of the places where the structure is, which is small against the data.
        head = data.find(b"sample_000") + 300
        with tap.case(f"a byte flipped at 200 places: {name}"):
            refusals = 0
            for i in range(200):
                at = places.randrange(head if i % 2 else len(data))
                saved = data[at]
                data[at] ^= 1 << places.randrange(8)
                with open(f"{folder}/flipped", "wb") as f:
                    f.write(data)
                r = tap.run("convert", f"{folder}/flipped", "-f", "raw", "-o", f"{folder}/out",
                            code=None)
                assert r.returncode in (0, 1), (at, r)
                assert "crashed" not in r.stderr and "Sanitizer" not in r.stderr, (at, r)
                assert r.returncode == 0 or r.stderr, at
                refusals += r.returncode
                data[at] = saved
            assert 0 < refusals < 200
            for left in ["flipped", "out", "out.manifest.json"]:
                os.remove(f"{folder}/{left}")


def words(folder, good):
    raw, out = good["raw"], ["-o", f"{folder}/kept"]
    with tap.case("format, option and value that do not exist"):
        gen = ["gen", *out, "-f"]
        for spec, says in [
                ("rw", ["'rw'", "did you mean raw?"]),
                ("hdf5-chunked:levle=3", ["levle", "did you mean level?", "shuffle"]),
                ("hdf5-chunked:level=10", ["level=10", "0 to 9"]),
                ("hdf5-chunked:level=-1", ["level=-1", "0 to 9"]),
                ("hdf5-chunked:shuffle=2", ["shuffle=2"]),
                ("hdf5-chunked:level", ["level", "needs a value"]),
                ("hdf5-chunked:chunk=axb", ["chunk"]),
                ("raw:level=1", ["level", "dtype"]),
                ("raw:dtype=f16", ["f16", "source|f32"]),
                (":", ["name"]),
                ("null", ["cannot be written", "raw, msgpack"]),
                ("as-is", ["cannot be written"]),
                ("raw-mmap", ["cannot be written"])]:
            refused(folder, *gen, spec, says=says, codes=(2,))
    with tap.case("a chunk of the wrong rank, or larger than the array"):
        for chunk in ["4x4x4x4x4", "16x69x2", "16x68x3", "0x68x2"]:
            refused(folder, "convert", raw, *out, "-f", f"hdf5-chunked:chunk={chunk}",
                    says=["chunk"])
    with tap.case("samples, frames, type and seed of the generator"):
        for args in [["--samples", "0"], ["--samples", "x"], ["--samples", "-1"],
                     ["--frames", "20:10"], ["--frames", "x"], ["--dtype", "f16"],
                     ["--seed", "1.5"], ["--samples", "99999999999999999999"], ["surplus"]]:
            refused(folder, "gen", *out, "-f", "raw", *args, codes=(2,))
    with tap.case("missing and contradicting arguments"):
        for args in [["gen", "-f", "raw"], ["gen", *out], ["convert", raw], ["convert", raw, *out],
                     ["convert", "-f", "raw", *out], ["info"], ["info", raw, raw], ["read", raw],
                     ["read"], ["read", raw, ARRAY, "--sample", "1"], ["search", raw], ["plot"],
                     ["read", raw, "--sample", "1"], ["read", raw, ARRAY, "-o", f"{folder}/x.txt"],
                     ["search", raw, "--frames", "1:2", "--name", "x"], ["schema", "x"],
                     ["--memory-limit=lots", "info", raw], ["info", raw, "--color=blue"],
                     ["convert", raw, "-f", "raw", *out, "--skip-bad-rows"]]:
            refused(folder, *args, codes=(2,))
    with tap.case("an array that does not exist: the nearest, and the range"):
        refused(folder, "read", raw, "sample_000/expert/fce", codes=(2,),
                says=["fce", f"did you mean {ARRAY}?", "12 arrays", "sample_001/novice/head"])
    with tap.case("a sample, person or feature that does not exist: the nearest, and all"):
        def guide(sample, person, feature, *says):
            refused(folder, "read", raw, "--sample", sample, "--person", person, "--feature",
                    feature, codes=(2,), says=says)
        guide("2", "expert", "face", "'2'", "0 to 1", "001.001.001.001 to 001.001.001.002")
        guide("-1", "expert", "face", "'-1'", "0 to 1")
        guide("001.001.001.012", "expert", "face", "did you mean 001.001.001.002?")
        guide("0", "exprt", "face", "'exprt'", "did you mean expert?", "expert, novice")
        guide("0", "expert", "faces", "'faces'", "did you mean face?", "aus, face, head")
        refused(folder, "search", raw, "--name", "001.001.001.0022", codes=(2,),
                says=["did you mean 001.001.001.002?", "0 to 1"])
    with tap.case("rows outside or reversed: the valid range"):
        for rows in ["40:30", "0:100000", "100000:", "99999:100000", "a:b", "5", "-1:4", ":-1",
                     "0:18446744073709551616"]:
            refused(folder, "read", raw, ARRAY, f"--rows={rows}", "-o", f"{folder}/kept.npy",
                    codes=(2,), says=[rows, "0:40"])
    with tap.case("a frame range reversed or malformed"):
        for frames in ["20:10", "x:y", "10", ""]:
            refused(folder, "search", raw, f"--frames={frames}", codes=(2,), says=["--frames"])


def outputs(folder, good):
    raw = good["raw"]
    with tap.case("output that is a folder, in no folder, or the source itself"):
        for command in [["gen", "--samples", "1"], ["convert", raw]]:
            for spec in ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked"]:
                for out, says in [(folder, "folder"), (f"{folder}/no/such", "No such file"),
                                  (f"{folder}/kept/x", "Not a directory"), ("", "")]:
                    refused(folder, *command, "-f", spec, "-o", out, says=[says])
        refused(folder, "convert", raw, "-f", "raw", "-o", raw, says=["same file"], codes=(2,))
        refused(folder, "read", raw, ARRAY, "-o", f"{folder}/no/such.npy", says=["No such file"])
    with tap.case("a FIFO is no output; a symbolic link stays one, and what it leads to is replaced"):
        with tap.scratch() as apart:
            os.mkfifo(f"{apart}/fifo.npy")
            for command in [["gen", "--samples", "1", "-f", "raw"], ["read", raw, ARRAY]]:
                result = tap.run(*command, "-o", f"{apart}/fifo.npy", code=1, timeout=60)
                assert "regular file" in result.stderr and os.listdir(apart) == ["fifo.npy"]
        with open(f"{folder}/target", "w") as target:
            target.write("old")
        os.symlink("target", f"{folder}/link.npy")
        tap.run("read", raw, ARRAY, "-o", f"{folder}/link.npy")
        assert os.path.islink(f"{folder}/link.npy") and os.path.getsize(f"{folder}/target") > 100
        os.unlink(f"{folder}/link.npy")
        os.unlink(f"{folder}/target")
    with tap.case("a file that may not grow"):
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        for spec in ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked"]:
            for command in [["gen", "--samples", "2"], ["convert", raw]]:
                for out in ["kept", "new"]:
                    refused(folder, *command, "-f", spec, "-o", f"{folder}/{out}",
                            says=[out], codes=(1,), preexec_fn=small)
        refused(folder, "read", raw, ARRAY, "-o", f"{folder}/kept.npy", says=["kept.npy"],
                codes=(1,), preexec_fn=small)
    with tap.case("standard output that is full"):
        for args in [["info", raw], ["read", raw, ARRAY], ["search", raw, "--frames", "1:"]]:
            with open("/dev/full", "w") as full:
                r = subprocess.run([tap.FMTBENCH, *args], stdout=full, stderr=subprocess.PIPE,
                                   text=True)
            assert r.returncode == 1 and "standard output" in r.stderr, (args, r)


def full_disk(folder, good):
    """On a tmpfs of our own, which dies with the mount namespace."""
    script = """mount -t tmpfs -o size=300k tmpfs "$1" || exit 99
        echo old > "$1/kept"; shift; "$@"; code=$?; ls "${0}"; cat "${0}/kept"; exit $code"""
    disk = f"{folder}/disk"
    os.mkdir(disk)
    with tap.case("a full disk"):
        for spec in ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked", "hdf5-chunked:level=9"]:
            for args in [["gen", "--samples", "2", "-f", spec],
                         ["convert", good["large"], "-f", spec]]:
                r = subprocess.run(["unshare", "-m", "sh", "-c", script, disk, disk, tap.FMTBENCH,
                                    *args, "-o", f"{disk}/kept"], capture_output=True, text=True)
                assert (r.returncode, r.stdout) == (1, "kept\nold\n"), (spec, args, r)
                says = "No space left" if "chunked" in spec else "are free"  # known beforehand
                assert says in r.stderr, r
    os.rmdir(disk)


def not_writable(folder, good):
    with tap.case("a folder that may not be written to"):
        program = f"{folder}/program"
        shutil.copy(tap.FMTBENCH, program)
        locked = f"{folder}/locked"
        os.mkdir(locked)
        with open(f"{locked}/kept", "w") as f:
            f.write("old")
        os.chmod(locked, 0o555)
        os.chmod(folder, 0o755)
        drop = dict(user=NOBODY, group=NOBODY, extra_groups=[]) if os.geteuid() == 0 else {}
        for spec in ["raw", "msgpack", "hdf5-contiguous", "hdf5-chunked"]:
            for out in ["kept", "new"]:
                r = subprocess.run([program, "convert", good["raw"], "-f", spec, "-o",
                                    f"{locked}/{out}"], capture_output=True, text=True, **drop)
                assert r.returncode == 1 and "Permission denied" in r.stderr, r
                assert f"{locked}/{out}:" in r.stderr, r
                assert os.listdir(locked) == ["kept"]
        os.chmod(locked, 0o755)
        shutil.rmtree(locked)
        os.remove(program)


def started(folder, name):
    """A long convert, and its child, once that has begun to write."""
    p = subprocess.Popen([tap.FMTBENCH, "convert", "synth:samples=2000", "-f",
                          "hdf5-chunked:level=9", "-o", f"{folder}/{name}"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for entry in os.listdir(folder):
            child = re.match(re.escape(name) + r"\.tmp-(\d+)-", entry)
            if child:
                return p, int(child[1])
        time.sleep(0.01)
    p.kill()
    raise AssertionError("no temporary file has come")


def children(folder):
    for number, says in [(signal.SIGABRT, "the storage library crashed (signal 6"),
                         (signal.SIGKILL, "killed by signal 9")]:
        with tap.case(f"a child that dies of signal {int(number)}"):
            before = listing(folder)
            p, child = started(folder, "kept")
            os.kill(child, number)
            assert says in p.communicate(timeout=60)[1]
            assert p.returncode == 1
            assert listing(folder) == before
    for number in [signal.SIGTERM, signal.SIGINT]:
        with tap.case(f"signal {int(number)} ends cleanly"):
            before = listing(folder)
            p, _ = started(folder, "new")
            p.send_signal(number)
            assert "interrupted" in p.communicate(timeout=60)[1]
            assert p.returncode == 1
            assert listing(folder) == before
    with tap.case("more memory than allowed"):
        before = listing(folder)
        r = tap.run("--memory-limit", "100kB", "convert", "synth:samples=2000", "-f",
                    "hdf5-chunked:level=9", f"-o{folder}/new", code=1)
        assert "100 kB of memory" in r.stderr and "--memory-limit" in r.stderr, r
        assert listing(folder) == before


with tap.scratch() as scratch:
    made = {}
    for form, spec in [("raw", "raw"), ("msgpack", "msgpack"), ("hdf5", "hdf5-contiguous"),
                       ("gzip", "hdf5-chunked")]:
        made[form] = f"{scratch}/good.{form}"
        tap.run("gen", "-f", spec, "-o", made[form], "--samples", 2, "--frames", "40:40")
    for keep in ["kept", "kept.manifest.json", "kept.npy"]:
        with open(f"{scratch}/{keep}", "w") as kept:
            kept.write("as it was")
    files(scratch, made)
    truncated(scratch, made)
    flipped(scratch, made)
    words(scratch, made)
    outputs(scratch, made)
    not_writable(scratch, made)
    children(scratch)
    if os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"],
                                             capture_output=True).returncode == 0:
        made["large"] = f"{scratch}/large"
        tap.run("gen", "-f", "raw", "-o", made["large"], "--samples", 2)
        full_disk(scratch, made)
tap.done()
