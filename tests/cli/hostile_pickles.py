"""Pickles, .npy and .npz files of ill will: refused by name, nothing of them is run, and they cost
memory and time in proportion to their size."""
import io
import json
import os
import pickle
import resource
import struct
import subprocess
import sys
import zipfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402

WORKER = os.path.join(os.path.dirname(__file__), "../../formats/python/worker.py")
AT_ONCE = 60  # seconds
# SLACK and MEMORY_PER_BYTE (formats/python/worker.py) of the largest file here, 20 MB, and Python.
RSS_MAX = (256 << 20) + 16 * 20000000 + (100 << 20)


class Calls:
    """Pickled as a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def name(module, attribute):
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def array(dtype, shape, data, flags=0, twice=False):
    """An array as numpy pickles it, with any words in it; twice: its dtype then gets fields."""
    state = b"(K\3" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + bytes([flags]) + b"t"
    if twice:
        state += b"b" + state.replace(b"NNN", b"N)}")
    kind = name("numpy", "dtype") + b"(" + text(dtype) + b"K\0K\1tR" + state + b"b"
    dims = b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in shape) + b"t"
    empty = name("numpy", "ndarray") + b"(K\0tC\1b"
    return (name("numpy.core.multiarray", "_reconstruct") + b"(" + empty + b"tR(K\1" + dims + kind
            + b"\x89B" + struct.pack("<I", len(data)) + data + b"tb")


def turned(*dtypes):
    """An array that is given one state after the other."""
    again = [array(dtype, [1], b"A" * 8).partition(b"tR(K\1")[2] for dtype in dtypes[1:]]
    return array(dtypes[0], [1], b"A" * 8) + b"".join(b"(K\1" + state for state in again)


def npy(header, data=b"", version=1):
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def describe(descr, shape):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()


def zipped(*members, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members:
            archive.writestr(member, data, **options)
    return file.getvalue()


def saved(value):
    file = io.BytesIO()
    np.save(file, value)
    return file.getvalue()


def claimed(data, size):
    """The central directory's word for the unpacked size of the first member changed."""
    at = data.index(b"PK\1\2") + 24
    return data[:at] + struct.pack("<I", size) + data[at + 4:]


def overlapping():
    """Many names for the bytes of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", saved(np.zeros(1 << 16)))
        for i in range(200):
            info = zipfile.ZipInfo(f"y{i}.npy")
            first = archive.infolist()[0]
            for key in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(info, key, getattr(first, key))
            archive.filelist.append(info)
            archive.NameToInfo[info.filename] = info
    return file.getvalue()


def refused(files, suffix, what, cases):
    """Each of the files is refused with these words, and nothing else happens."""
    for label, data, words in cases:
        with tap.case(f"{what}: {label}"):
            path = f"{files}/case{suffix}"
            with open(path, "wb") as file:
                file.write(data)
            before = sorted(os.listdir(files))
            r = tap.run("info", path, code=1, timeout=AT_ONCE, cwd=files)
            assert words in r.stderr, r.stderr
            assert r.stderr.startswith(f"fmtbench: {path}: "), r.stderr
            assert r.stderr.count("\n") == 1, r.stderr
            assert "Traceback" not in r.stderr and r.stdout == "", r
            assert sorted(os.listdir(files)) == before, os.listdir(files)


def skipped(files, suffix, what, cases):
    """The file opens; these words are said of what is not taken, and no array is there."""
    for label, data, words in cases:
        with tap.case(f"{what}: {label}"):
            path = f"{files}/case{suffix}"
            with open(path, "wb") as file:
                file.write(data)
            r = tap.run("info", path, timeout=AT_ONCE, cwd=files)
            assert words in r.stdout, r.stdout
            assert "arrays          0" in r.stdout and r.stderr == "", r
            r = tap.run("convert", path, "-f", "raw", "-o", f"{files}/out", code=4, timeout=AT_ONCE)
            assert "has no arrays that can be written" in r.stderr, r


def laughs(levels, width):
    """Containers that hold the same container again and again."""
    value = []
    for _ in range(levels):
        value = [value] * width
    return pickle.dumps(value, 4)


def talk(path, read=False, **job):
    """A worker's last answer, and how it ended."""
    message = {"job": "source", "kind": "pickle", "file": path, "memory": 1 << 30, **job}
    words = json.dumps(message) + ('\n{"read":0,"start":[0],"count":[1]}\n' if read else "\n")
    r = subprocess.run(["sh", "-c", 'exec "$0" "$1" 3>/dev/null', sys.executable, WORKER],
                       input=words, text=True, capture_output=True, timeout=AT_ONCE)
    return r.stdout.splitlines()[-1], r.returncode, r.stderr


with tap.scratch() as files:
    canary = f"{files}/canary"
    touch = f"touch {canary}"
    proto = b"\x80\x02"
    run = [(f"{what}, protocol {n}", pickle.dumps(Calls(function, argument), n), words)
           for n in (0, 2, 4) for what, function, argument, words in [
               ("os.system", os.system, touch, "asks for posix.system, which is neither"),
               ("eval", eval, f"__import__('os').system('{touch}')", ".eval, which is neither")]]
    command = b"(" + text(touch) + b"t"
    refused(files, ".pkl", "nothing is run", run + [
        ("os.system as it is written by hand", b"cos\nsystem\n(S'" + touch.encode() + b"'\ntR.",
         "the pickle asks for os.system"),
        ("INST", proto + b"(" + text(touch) + b"ios\nsystem\n.", "asks for os.system"),
        ("OBJ", proto + b"(" + name("os", "system") + text(touch) + b"o.", "asks for os.system"),
        ("a chain of getattr", proto + name("__builtin__", "getattr") + b"(" + name("os", "path")
         + text("os") + b"tR" + command + b"R.", "asks for __builtin__.getattr"),
        ("a chain of attributes", proto + text("numpy") + text("ndarray.__class__.mro") + b"\x93.",
         "asks for numpy.ndarray.__class__.mro"),
        ("numpy.load", proto + name("numpy", "load") + command + b"R.", "asks for numpy.load"),
        ("a module of one's own", proto + name("case", "x") + b".", "asks for case.x"),
        ("a name of any length", proto + name("\33[31m" + "m" * 100000, "x") + b".",
         "asks for \\x1b[31mmmm"),
        ("an extension code", proto + b"\x82\x01.", "unregistered extension code 1"),
        ("a persistent id", proto + text("x") + b"Q.", "persistent"),
        ("a codec", proto + name("_codecs", "encode") + b"(" + text("x") + text("rot13") + b"tR.",
         "asks for the encoding rot13"),
        ("what it names, changed", proto + name("numpy", "dtype") + b"N}" + text("__call__")
         + b"Ns\x86b.", "changes what it names"),
        ("what it names, with state of its own", proto + name("numpy", "ndarray") + b"}b.",
         "changes what it names"),
        ("what it names, extended", proto + name("numpy", "ndarray") + b"(K\0e.", "(AttributeError: "),
        ("what it names, as a dict", proto + name("numpy", "dtype") + b"K\0K\1s.", "(TypeError: "),
        ("a dtype as a dict", proto + name("numpy", "dtype") + b"(" + text("f8") + b"tRK\0K\1s.",
         "(TypeError: "),
        ("an array, appended to", proto + array("f8", [1], b"\0" * 8) + b"K\0a.",
         "(AttributeError: "),
        ("numpy.ndarray called", proto + name("numpy", "ndarray") + b"(J\xff\xff\xff\x7ftR.",
         "in another way than numpy does"),
        ("numpy.ndarray made", proto + name("numpy", "ndarray") + b")\x81.", "must be a type"),
        ("an array of another type", proto + name("numpy.core.multiarray", "_reconstruct") + b"("
         + name("numpy", "dtype") + b")C\1btR.", "of a type that is not numpy's"),
        ("an array's elements, set", proto + array("f8", [1], b"\0" * 8) + b"K\0K\1s.",
         "changes an array"),
        ("text in place of a dtype", proto + name("numpy.core.multiarray", "scalar") + b"("
         + text("f8") + b"C\1xtR.", "no dtype where numpy writes one"),
        ("a dtype's state that is none", proto + name("numpy", "dtype") + b"(" + text("f8")
         + b"tRK\1b.", "it is damaged"),
    ])
    shape = array("f8", [1 << 40], b"\0" * 8)
    deep = b"]" * 100000 + b"a" * 99999 + b"."
    loop = []
    loop.append({"again": loop})
    big = np.arange(1 << 17, dtype="f8")
    refused(files, ".pkl", "memory stays bounded", [
        ("an array's shape", proto + shape + b".",
         "shape 1099511627776 and type float64 claims 8796093022208 bytes, and has 8"),
        ("a shape that cannot be counted", proto + array("f8", [1 << 62] * 32, b"") + b".",
         "claims"),
        ("a negative shape", proto + array("f8", [-1, -1], b"\0" * 8) + b".",
         "a shape that none can have"),
        ("too many axes", proto + array("f8", [1] * 33, b"\0" * 8) + b".",
         "a shape that none can have"),
        ("deep nesting", proto + deep, "nested deeper than 64 levels"),
        ("a list that holds itself", pickle.dumps(loop), "nested deeper than 64 levels"),
        ("containers again and again", laughs(20, 10), "unfold to more than 1000000 values"),
        ("an array again and again", pickle.dumps([big] * 5000, 4), "the same arrays again and"),
        ("a memo of two thousand millions", proto + b"Nr\xff\xff\xff\x7f.", "MiB of memory"),
        ("bytes of a claimed length", b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",
         "MiB of memory"),
        ("a bytearray of a claimed length", b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"x.",
         "MiB of memory"),
        ("text of a claimed length", b"\x80\x04\x8d" + struct.pack("<Q", 1 << 40) + b"x.",
         "MiB of memory"),
        ("a frame of a claimed length", b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"N.",
         "MiB of memory"),
        ("bytes of 4 GB", proto + b"B\xff\xff\xff\xffx.", "MiB of memory"),
        ("20 million dicts in 20 MB", proto + b"(" + b"}" * 20000000 + b"l.", "MiB of memory"),
        ("cut off", pickle.dumps({"x": big}, 4)[:-1000], "it is damaged, or is no pickle"),
        ("cut off at its start", b"\x80\x04", "it is damaged, or is no pickle"),
    ])
    skipped(files, ".pkl", "objects are never looked at", [
        # numpy itself would take the 8 bytes for the address of an object.
        ("an array of objects whose dtype denies it", proto + array("O8", [1], b"A" * 8, 0) + b".",
         "an array of objects"),
        ("an array of objects", pickle.dumps(np.array([None])), "an array of objects"),
        ("an array that turns into one of objects", proto + turned("f8", "O8") + b".",
         "an array of objects"),
        ("a dtype that turns into one of records", proto + array("f8", [1], b"A" * 8, twice=True) + b".",
         "structured records"),
        ("objects in a list of arrays", pickle.dumps([np.array([{}])]), "0: an array of objects"),
        ("no array at all", pickle.dumps(None), "no numpy array (NoneType)"),
        ("a key that cannot be part of a path", pickle.dumps({"..": big, "": big, "a\nb": big}),
         "a\\nb: its key cannot be part of a path"),
        ("two keys for one path", pickle.dumps({1: big, "1": big}), "2 arrays have this path"),
    ])
    with tap.case("hashes that take for ever: the system ends it"):
        value = b")" + b"2\x86" * 60  # a tuple of twice the same tuple of twice the same tuple ...
        path = f"{files}/hash.pkl"
        with open(path, "wb") as file:
            file.write(proto + b"}" + value + b"Ns.")
        last, code, _ = talk(path, seconds=1)
        assert "protocol" in last and code == -24, (last, code)

    long = describe("'<f8'", "(4,)").replace(b"4", b"4" + b" " * 100000)
    evil = f"{{'descr': __import__('os').system('{touch}'), 'fortran_order': 0, 'shape': (1,)}}"
    refused(files, ".npy", ".npy", [
        ("a shape larger than the file", npy(describe("'<f8'", "(1099511627776,)"), b"\0" * 8),
         "claims 8796093022208 bytes of data, and it has 8"),
        ("a shape that cannot be counted", npy(describe("'<f8'", (1 << 62,) * 32)), "claims"),
        ("a negative shape", npy(describe("'<f8'", "(-1, -1)"), b"\0" * 8), "no array can have"),
        ("a shape of something else", npy(describe("'<f8'", "('a',)"), b"\0" * 8), "no array can"),
        ("cut off", saved(big)[:-1], "claims 1048576 bytes of data, and it has 1048575"),
        ("cut off in its header", saved(big)[:40], "cut off within its .npy header"),
        ("a header of 4 GB", b"\x93NUMPY\2\0\xff\xff\xff\xff{", "claims 4294967295 bytes of text"),
        ("a long header", npy(long, b"\0" * 32, version=2), "of text; 65536 are the most"),
        ("an unknown version", npy(b"{}", version=9), "it has no .npy header"),
        ("a header that is a program", npy(evil.encode(), b"\0" * 8), "its .npy header is damaged"),
        ("a header of brackets", npy(b"(" * 60000), "its .npy header is damaged"),
        ("a header without a shape", npy(b"{'descr': '<f8'}"), "its .npy header is damaged"),
        ("a number of 60000 digits", npy(describe("'<f8'", "(" + "9" * 60000 + ",)")), "damaged"),
    ])
    skipped(files, ".npy", ".npy", [
        ("an array of objects", saved(np.array([{}, None], object)), "array: an array of objects"),
        ("an element type that is a list", npy(describe("[('a', 'O')]", "(1,)"), b"\0" * 8),
         "array: structured records"),
        ("an element type of a thousand million", npy(describe("'(1000000000,)f8'", "(1,)")),
         "unknown element type"),
    ])
    with tap.case(".npy: a pipe is waited for by nobody"):
        os.mkfifo(f"{files}/pipe.npy")
        r = tap.run("info", f"{files}/pipe.npy", code=1, timeout=AT_ONCE)
        assert "not a regular file" in r.stderr, r
        os.remove(f"{files}/pipe.npy")

    one = zipped(("x.npy", saved(big)))
    refused(files, ".npz", ".npz", [
        ("members that overlap", overlapping(), "its members overlap"),
        ("cut off", one[:len(one) // 2], "it is a damaged zip file"),
        ("no zip file", b"PK\3\4" + b"\0" * 100, "it is a damaged zip file"),
    ])
    skipped(files, ".npz", ".npz", [
        ("an array of objects", zipped(("x.npy", saved(np.array([None])))), "x: an array of obj"),
        ("more than zlib can unfold", claimed(zipped(("x.npy", saved(np.arange(3.)))), 1 << 31),
         "x: it claims 2147483648 bytes in"),
        ("a header that claims more than the member has",
         zipped(("x.npy", npy(describe("'<f8'", "(1099511627776,)"), b"\0" * 8))),
         "x: its .npy header claims 8796093022208 bytes"),
        ("names that lead out", zipped(("../x.npy", saved(big)), ("/x.npy", saved(big)),
                                       ("a/../../x.npy", saved(big))),
         "../x.npy: its name cannot be part of a path"),
        ("what is no array", zipped(("x.npy", b"hello"), ("y.txt", b"hello")),
         "x: it has no .npy header"),
    ])
    with tap.case(".npz: one name twice is nobody's array"):
        path = f"{files}/twice.npz"
        with open(path, "wb") as file:
            file.write(zipped(("a.npy", saved(big)), ("x.npy", saved(big)), ("x.npy", saved(-big))))
        r = tap.run("info", path)
        assert "x: 2 arrays have this path" in r.stdout and "arrays          1" in r.stdout, r
    with tap.case(".npz: a member that is damaged takes no other with it"):
        path = f"{files}/crc.npz"
        data = zipped(("a.npy", saved(big)), ("b.npy", saved(big)))
        at = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1) + 16
        with open(path, "wb") as file:
            file.write(data[:at] + b"\1\2\3\4" + data[at + 4:])
        r = tap.run("read", path, "b", "-o", f"{files}/out.npy", code=1)
        assert "array b cannot be read: Bad CRC-32 for file 'b.npy'" in r.stderr, r
        assert not os.path.exists(f"{files}/out.npy")
        tap.run("read", path, "a", "-o", f"{files}/out.npy")
        assert (np.load(f"{files}/out.npy") == big).all()
        os.remove(f"{files}/out.npy")
    with tap.case(".npz: an array beyond the memory limit is refused when it is read"):
        path = f"{files}/bomb.npz"
        with open(path, "wb") as file:
            file.write(zipped(("x.npy", saved(np.zeros(1 << 25)))))
        last, _, problems = talk(path, read=True, kind="npz", memory=100 << 20)
        why = "reading it takes more memory than is left"
        assert json.loads(last) == {"read": False, "why": why}, last
        assert problems == ""
    with tap.case("nothing was run, nothing is left behind, and memory stayed bounded"):
        assert not os.path.exists(canary)
        assert not [f for f in os.listdir(files) if "core" in f or ".tmp" in f], os.listdir(files)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        assert peak < RSS_MAX, peak
tap.done()
