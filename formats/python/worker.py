#!/usr/bin/env python3
"""fmtbench's Python worker: what takes Python's own libraries to read.

Speaks the worker protocol (bench/protocol.h) on descriptors 0 to 4. A job is one of

  read, create   of a format in FORMATS, under the same rules as fmtbench's own worker
  source         a file as a source: its catalog, then slabs as they are asked for

Its one argument names the modules that the job needs: "numpy" where there is none, or "numpy, h5py",
so that a pickle is not read in a process that has h5py and all its libraries in memory.
"""
import ast
import contextlib
import csv
import ctypes
import fnmatch
import functools
import gc
import json
import math
import os
import pickle
import re
import resource
import struct
import sys
import time
import zipfile
import zlib

import numpy as np

if "h5py" in " ".join(sys.argv[1:]):
    import h5py
else:
    h5py = None

libc = ctypes.CDLL(None)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h

PROTOCOL = 1
FD_DELIVER, FD_CREATE = 3, 4


class Refused(Exception):
    """What is said to the user: what, where, what to do."""


def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else {"go": False}


def frame(out, data):
    """Bytes on the way to the runner, behind their length."""
    out.write(struct.pack("<Q", len(data)))
    out.write(data)


# --- element types --------------------------------------------------------------------------------

RANK_MAX = 32
KNOWN = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}
WHY_NOT = {
    "O": "an array of objects, which is no array of numbers", "c": "complex numbers",
    "U": "an array of text", "S": "an array of text", "M": "dates (datetime64)",
    "m": "spans of time (timedelta64)", "f": "floats of an unusual width",
}


@functools.lru_cache(64)
def element(order, code):
    """The numpy dtype of "<" and "f8", or why arrays of it are not taken. numpy itself is never
    asked what a text from outside means."""
    match = re.fullmatch(r"([A-Za-z])([0-9]{0,9})", code)
    if code in KNOWN or (match and match[1] == "V" and int(match[2] or 0) > 0):
        return np.dtype((order if order in ("<", ">") else "=") + code), None
    return None, WHY_NOT.get(match[1] if match else "", f"the unknown element type {clip(code)}")


def is_shape(shape):
    if type(shape) is not tuple or len(shape) > RANK_MAX:
        return False
    for n in shape:
        if type(n) is not int or not 0 <= n < 1 << 63:
            return False
    return True


def check_shape(shape, dtype, held):
    """Before anything is made of it: a shape from outside against the bytes that are there."""
    if not is_shape(shape):
        raise Refused("an array claims a shape that none can have")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed != held:
        raise Refused(f"an array of shape {clip('x'.join(map(str, shape)) or 'scalar')} and type "
                      f"{dtype.name} claims {claimed} bytes, and has {held}")


def clip(thing):
    """Anything from outside as a short piece of one line, whatever it holds."""
    if type(thing) in (str, bytes):
        text = ascii(thing[:200]).lstrip("b")[1:-1]
        return text if len(text) <= 80 else text[:77] + "..."
    small = type(thing) in (float, bool) or type(thing) is int and abs(thing) < 1 << 64
    return str(thing) if small else f"({type(thing).__name__})"


# --- pickles --------------------------------------------------------------------------------------
#
# Of a pickle runs nothing but pickle's own machine. All names it may use stand for the functions
# here, which are called with what it says, check that, and make arrays; no module is imported, and
# neither numpy's types nor its functions are within its reach (numpy trusts what a pickled dtype
# says of its own flags: a name that is harmless alone is not harmless with any state).

class Named:
    """What a pickle may name (see stub): it can be called, and nothing else can be done with it."""
    __slots__ = ()

    def __setstate__(self, state):
        raise Refused("the pickle changes what it names")


def stub(function):
    """Of a type of its own, so that calling it is one call of Python and not two: such calls are what
    the allow-list costs."""
    return type("Stub", (Named,), {"__slots__": (), "__call__": staticmethod(function)})()


class Element:
    """numpy.dtype, as a pickle makes it; or why arrays of it are not taken."""
    __slots__ = ("code", "dtype", "why")

    def __init__(self, code, *copy_and_align):
        self.code = as_text(code)
        self.dtype, self.why = element("=", self.code)

    def __setstate__(self, state):
        _, order, subarray, names, fields = state[:5]
        if subarray is not None or names is not None or fields is not None:
            self.dtype, self.why = None, "structured records"
        else:
            self.dtype, self.why = element(as_text(order), self.code)


class Other:
    """A value in a pickle that is no array that can be taken, and why not."""
    __slots__ = ("why",)

    def __init__(self, why):
        self.why = why

    __setstate__ = Named.__setstate__


set_array = np.ndarray.__setstate__


class Array(np.ndarray):
    """An array out of a pickle. `why` says why it is not taken; then it holds nothing."""
    why = None

    def __setstate__(self, state):
        shape, kind, fortran, data = state[-4:]
        dtype, why = kind_of(kind)
        if why or self.why:  # else no array needs a dict of its own
            self.why = why
        if why:
            return
        data = as_bytes(data)
        check_shape(shape, dtype, len(data))
        set_array(self, (1, shape, dtype, fortran is True or fortran == 1, data))

    def __setitem__(self, key, value):
        raise Refused("the pickle changes an array")


def as_text(value):
    if type(value) is not str or len(value) > 1000:
        raise Refused("the pickle has no text where numpy writes one")
    return value


def as_bytes(value):
    """Bytes; Python 2 wrote them as text."""
    if type(value) is str:
        return value.encode("latin-1")
    if type(value) is not bytes:
        raise Refused("the pickle has no bytes where numpy writes some")
    return value


def kind_of(value):
    if type(value) is not Element:
        raise Refused("the pickle has no dtype where numpy writes one")
    return value.dtype, value.why


def pickled_reconstruct(kind, shape, code):
    """An empty array, whatever shape is asked for: its state brings the real one."""
    if kind is not NDARRAY:
        raise Refused("the pickle makes an array of a type that is not numpy's")
    return np.ndarray.__new__(Array, (0,), "b")


def pickled_buffer(data, kind, shape, order):
    dtype, why = kind_of(kind)
    if why:
        return Other(why)
    if type(data) not in (bytes, bytearray) or order not in ("C", "F"):
        raise Refused("the pickle has no bytes where numpy writes some")
    check_shape(shape, dtype, len(data))
    return np.ndarray.__new__(Array, shape, dtype, data, 0, None, order)


def pickled_scalar(kind, data=b""):
    dtype, why = kind_of(kind)
    if why:
        return Other(why)
    data = as_bytes(data)
    check_shape((), dtype, len(data))
    return np.frombuffer(data, dtype)[0]


def pickled_encode(text, encoding):
    """How Python 3 writes bytes in protocols 0 to 2."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise Refused(f"the pickle asks for the encoding {clip(encoding)}")
    return text.encode("latin-1")


def pickled_container(kind, *accepted):
    def make(items=()):
        if type(items) not in (list, tuple) + accepted:
            raise Refused(f"the pickle makes a {kind.__name__} of something else than a list")
        return kind(items)
    return make


def pickled_complex(*parts):
    if any(type(part) not in (int, float) for part in parts):
        raise Refused("the pickle makes a complex number of something else than numbers")
    return complex(*parts)


def no_call(*args):
    raise Refused("the pickle makes an array in another way than numpy does")


NDARRAY = stub(no_call)

# All that a pickle may name: numpy's arrays and what they are made of, and plain containers in the
# protocols that have no opcode for them. Numbers, text, lists, tuples and dicts need no name.
ALLOWED = {("numpy", "ndarray"): NDARRAY, ("numpy", "dtype"): stub(Element),
           ("_codecs", "encode"): stub(pickled_encode),
           ("collections", "OrderedDict"): stub(pickled_container(dict))}
for _core in ("numpy.core", "numpy._core"):
    ALLOWED[_core + ".multiarray", "_reconstruct"] = stub(pickled_reconstruct)
    ALLOWED[_core + ".multiarray", "scalar"] = stub(pickled_scalar)
    ALLOWED[_core + ".numeric", "_frombuffer"] = stub(pickled_buffer)
for _builtins in ("builtins", "__builtin__"):
    ALLOWED[_builtins, "complex"] = stub(pickled_complex)
    ALLOWED[_builtins, "bytes"] = stub(pickled_container(bytes, bytes))
    ALLOWED[_builtins, "bytearray"] = stub(pickled_container(bytearray, bytes))
    ALLOWED[_builtins, "set"] = stub(pickled_container(set))
    ALLOWED[_builtins, "frozenset"] = stub(pickled_container(frozenset))


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise Refused(f"the pickle asks for {clip(module)}.{clip(name)}, which is neither a "
                          "numpy array nor a plain container; nothing of it was run") from None


def unpickle(file):
    """What pickle.load gives, with Array for numpy's arrays, by the allow-list. latin1 is how
    Python 2's arrays come through."""
    try:
        return Unpickler(file, encoding="latin1").load()
    except (Refused, MemoryError):
        raise
    except Exception as why:
        raise Refused(f"it is damaged, or is no pickle ({type(why).__name__}: {clip(str(why))})")


def load_pickle(path):
    with open(path, "rb") as file:
        return unpickle(file)


# --- sources --------------------------------------------------------------------------------------
#
# A tree of dicts, lists and tuples becomes paths: keys and indices with '/' between them. A file
# from outside shall cost memory and time in proportion to its own size, or be refused.

ARRAYS_MAX = 200000    # what is listed of a file, in all
NAMED_MAX = 10000      # of what is not taken, one by one
LEAVES_MAX = 8         # of what one dict holds beside arrays
DEPTH_MAX = 64
PATH_MAX = 1000        # characters
PATHS_MAX = 10 << 20   # bytes of all paths
UNFOLD_MAX = 16        # bytes of arrays for one of a pickle, where arrays come again and again
SLACK = 256 << 20      # bytes that every file may cost
MEMORY_PER_BYTE = 16   # beside those: Python's objects are larger than what they are pickled as
LOAD_SECONDS = 60      # processor time for opening a file, and for
LOAD_BYTES = 10 << 20  # so many bytes of it one second more
HEADER_MAX = 64 << 10  # a .npy header; numpy itself stops at 10000
DEFLATE_MAX = 1040     # no zlib stream unfolds further


class Listing:
    """The catalog on its way: arrays that can be had, and all else by name."""

    def __init__(self):
        self.arrays, self.skipped, self.more, self.text = [], [], 0, 0

    def add(self, path, dtype, shape, load):
        self.text += len(json.dumps(path))
        if len(self.arrays) == ARRAYS_MAX or self.text > PATHS_MAX:
            raise Refused(f"it holds more than {ARRAYS_MAX} arrays, or their paths take more than "
                          f"{PATHS_MAX >> 20} MiB")
        if len(path) > PATH_MAX:
            self.skip(path[:PATH_MAX], "its path is too long")
        elif math.prod(n or 1 for n in shape) * dtype.itemsize >= 1 << 63:
            self.skip(path, "its shape has more bytes than can be counted")
        else:
            self.arrays.append((path, dtype, shape, load))

    def skip(self, path, why):
        if len(self.skipped) < NAMED_MAX:
            self.skipped.append({"path": path, "reason": why})
        else:
            self.more += 1

    def settle(self):
        """Takes out arrays that one path cannot tell apart, or that lie below another array."""
        count = {}
        for path, *_ in self.arrays:
            count[path] = count.get(path, 0) + 1
        twice = {path for path in count if count[path] > 1}
        kept = []
        for array in self.arrays:
            parts = array[0].split("/")
            above = ["/".join(parts[:i]) for i in range(1, len(parts))]
            below = next((path for path in above if path in count), None)
            if below:
                self.skip(array[0], f"its path leads through the array {below}")
            elif array[0] not in twice:
                kept.append(array)
        for path in sorted(twice):
            self.skip(path, f"{count[path]} arrays have this path")
        self.arrays = kept
        if self.more:
            self.skipped.append({"path": "...", "reason": f"and {self.more} more"})

    def catalog(self):
        """As JSON (datasets/catalog_json.h), with what is skipped."""
        noxire = all(re.fullmatch(r"sample_[0-9]{3,}/(expert|novice)/[^/]+", path)
                     for path, *_ in self.arrays)
        samples, arrays = {}, []
        for path, dtype, shape, _ in self.arrays:
            sample = path.split("/")[0] if noxire else path.rpartition("/")[0]
            name = dtype.str[1:] if dtype.kind == "V" else dtype.name
            arrays.append({"path": path, "sample": samples.setdefault(sample, len(samples)),
                           "dtype": name, "shape": shape})
        return {"samples": [{"path": path, "name": path} for path in samples],
                "arrays": arrays, "skipped": self.skipped}


def part_of_path(key):
    """A key as it stands in a path, or None. '/' in it divides, as in a name of HDF5 or of .npz."""
    if type(key) is bytes:
        key = key.decode("latin-1")
    elif type(key) in (int, float, bool) or isinstance(key, (np.integer, np.bool_)):
        key = clip(key.item() if isinstance(key, np.generic) else key)
    if type(key) is not str or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", key):
        return None
    return None if any(part in ("", ".", "..") for part in key.split("/")) else key


class Tree:
    """What a pickle holds, path by path."""

    def __init__(self, root, size):
        self.listing = Listing()
        # Every item takes a byte of the pickle at least, unless containers hold each other.
        self.items, self.items_max = 0, max(size, 1000000)
        self.bytes, self.bytes_max = 0, UNFOLD_MAX * size + SLACK
        if is_sessions(root):
            root = {f"sample_{i:03d}": dict(zip(("expert", "novice"), pair))
                    for i, pair in enumerate(root)}
        waiting = [("", root, 0)]
        if isinstance(root, (Array, np.generic)):
            self.array("array", root)
        elif type(root) not in (dict, list, tuple):
            self.listing.skip("pickle", self.what(root))
        else:
            while waiting:
                self.container(*waiting.pop(), waiting)

    def container(self, path, value, depth, waiting):
        if depth == DEPTH_MAX:
            raise Refused(f"{clip(path)} is nested deeper than {DEPTH_MAX} levels, or holds itself")
        self.items += len(value)
        if self.items > self.items_max:
            raise Refused("its containers hold each other again and again: they unfold to more "
                          f"than {self.items_max} values, which no file of its size can hold")
        leaves, below = [], []
        for key, item in value.items() if type(value) is dict else enumerate(value):
            whole = type(item) in (dict, list, tuple)
            if not whole and not isinstance(item, (Array, np.generic)):
                leaves.append((key, item))
                continue
            part = part_of_path(key)
            where = f"{path}/{part}" if path else part
            if part is None:
                self.listing.skip(f"{path}/{clip(key)}".strip("/"),
                                  "its key cannot be part of a path")
            elif whole:
                below.append((where, item, depth + 1))
            else:
                self.array(where, item)
        waiting.extend(reversed(below))
        self.leaves(path, value, leaves)

    def leaves(self, path, value, leaves):
        if type(value) is dict and len(leaves) <= LEAVES_MAX:
            for key, item in leaves:
                self.listing.skip(f"{path}/{clip(key)}".strip("/")[:PATH_MAX], self.what(item))
        elif leaves:
            kinds = sorted({type(item).__name__ for _, item in leaves[:1000]})
            self.listing.skip(path or "pickle", f"{len(leaves)} of its values are no numpy arrays "
                              f"({', '.join(kinds)})")

    def array(self, path, value):
        if isinstance(value, Array) and value.why:
            self.listing.skip(path, value.why)
            return
        dtype, why = element("=", value.dtype.str[1:])
        if why:
            self.listing.skip(path, why)
            return
        self.bytes += value.nbytes
        if self.bytes > self.bytes_max:
            raise Refused("it holds the same arrays again and again: they unfold to more than "
                          f"{self.bytes_max} bytes, too many for a file of its size")
        self.listing.add(path, dtype, value.shape, lambda: value)

    def what(self, value):
        return value.why if isinstance(value, Other) else f"no numpy array ({type(value).__name__})"


def list_pickle(path, size):
    with open(path, "rb") as file:
        root = unpickle(file)
        rest = size - file.tell()
    listing = Tree(root, size).listing
    if rest > 0:
        listing.skip("...", f"{rest} bytes behind the pickle's end: only the first is read")
    return listing


# --- .npy and .npz --------------------------------------------------------------------------------

def npy_header(file):
    """Order, element type as text, Fortran order, shape, and where the data starts."""
    head = file.read(8)
    if len(head) < 8 or head[:6] != b"\x93NUMPY" or head[6] not in (1, 2, 3):
        raise Refused("it has no .npy header")
    length_size = 2 if head[6] == 1 else 4
    length = int.from_bytes(file.read(length_size), "little")
    if length > HEADER_MAX:
        raise Refused(f"its .npy header claims {length} bytes of text; {HEADER_MAX} are the most")
    text = file.read(length)
    if len(text) < length:
        raise Refused("it is cut off within its .npy header")
    try:
        header = ast.literal_eval(text.decode("utf-8" if head[6] == 3 else "latin-1").strip())
        descr, fortran, shape = (header[key] for key in ("descr", "fortran_order", "shape"))
    except Exception:
        raise Refused("its .npy header is damaged") from None
    if not is_shape(shape) or type(fortran) is not bool:
        raise Refused("its .npy header claims a shape that no array can have")
    return descr, fortran, shape, 8 + length_size + length


def npy_element(descr):
    if type(descr) is not str:
        return None, "structured records"
    order, code = (descr[0], descr[1:]) if descr[:1] in tuple("<>=|") else ("=", descr)
    return element(order, code)


def npy_look(file, size):
    """dtype, why not, Fortran order, shape, offset and bytes of the data, which are there."""
    descr, fortran, shape, offset = npy_header(file)
    dtype, why = npy_element(descr)
    claimed = math.prod(shape) * dtype.itemsize if dtype else 0
    if claimed > size - offset:
        raise Refused(f"its .npy header claims {claimed} bytes of data, and it has {size - offset}")
    return dtype, why, fortran, shape, offset, claimed


def list_npy(path, size):
    listing = Listing()
    with open(path, "rb") as file:
        dtype, why, fortran, shape, offset, claimed = npy_look(file, size)
    if why:
        listing.skip("array", why)
        return listing

    array = None  # nobody reads from one without elements, and none can be mapped
    if claimed:
        array = np.memmap(path, dtype, "r", offset, shape, "F" if fortran else "C")
    listing.add("array", dtype, shape, lambda: array)
    rest = size - offset - claimed
    if rest > 0:
        listing.skip("...", f"{rest} bytes behind the array's end, which are not read")
    return listing


class Members:
    """The arrays of a .npz file; the one that was read last stays in memory."""

    def __init__(self, path, size):
        self.listing, self.loaded = Listing(), (None, None)
        self.file = open(path, "rb")
        try:
            self.zip = zipfile.ZipFile(self.file)
            infos = self.zip.infolist()
        except Exception as why:
            raise Refused(f"it is a damaged zip file ({clip(str(why))})") from None
        if sum(info.compress_size for info in infos) > size:
            raise Refused("its members overlap")
        for info in infos:
            self.member(info)

    def member(self, info):
        name = part_of_path(info.filename[:-4])
        if not info.filename.endswith(".npy"):
            self.listing.skip(clip(info.filename), "no .npy member")
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            self.listing.skip(clip(info.filename), "it is compressed as numpy compresses none")
        elif name is None:
            self.listing.skip(clip(info.filename), "its name cannot be part of a path")
        elif info.file_size > info.compress_size * DEFLATE_MAX + 64:
            self.listing.skip(name, f"it claims {info.file_size} bytes in {info.compress_size}")
        else:
            try:
                with self.zip.open(info) as file:
                    dtype, why, fortran, shape, offset, _ = npy_look(file, info.file_size)
            except Exception as problem:
                dtype, why = None, clip(str(problem) or type(problem).__name__)
            if why:
                self.listing.skip(name, why)
            else:
                self.listing.add(name, dtype, shape,
                                 lambda: self.load(info, dtype, fortran, shape, offset))

    def load(self, info, dtype, fortran, shape, offset):
        if self.loaded[0] is not info:
            self.loaded = (None, None)
            # Only what the header claims: a member may hold more, and lie about how much.
            data = np.empty(math.prod(shape), dtype)
            with self.zip.open(info) as file:
                file.read(offset)
                fill(file, data.view(np.uint8).data, info)
            self.loaded = (info, data.reshape(shape, order="F" if fortran else "C"))
        return self.loaded[1]


def fill(file, room, info):
    done = 0
    while done < len(room):
        piece = file.read(min(1 << 20, len(room) - done))
        if not piece:
            raise Refused(f"{clip(info.filename)} is cut off")
        room[done:done + len(piece)] = piece
        done += len(piece)
    file.read(1)  # at its end the checksum is looked at


LISTED = {"pickle": list_pickle, "npy": list_npy, "npz": lambda *file: Members(*file).listing}


# --- the job source -------------------------------------------------------------------------------

def limit_memory(job, size):
    """What the file may cost beside what Python has already taken; a mapped file costs nothing."""
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    bytes_max = job["memory"]
    if job["kind"] != "npz":
        bytes_max = min(bytes_max, SLACK + MEMORY_PER_BYTE * size)
    mapped = size if job["kind"] == "npy" else 0
    resource.setrlimit(resource.RLIMIT_AS, (taken + bytes_max + mapped,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return bytes_max


def limit_time(seconds):
    """None: no longer. Python code cannot stop what its C code does: the system ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    at = resource.RLIM_INFINITY if seconds is None else int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (at, resource.RLIM_INFINITY))


def open_source(job):
    path, kind = job["file"], job["kind"]
    size = os.stat(path).st_size
    memory = limit_memory(job, size)
    limit_time(job.get("seconds", LOAD_SECONDS) + size // LOAD_BYTES)
    try:
        listing = LISTED[kind](path, size)
        listing.settle()
    except OSError as why:
        raise Refused(why.strerror or "it cannot be read") from None
    except MemoryError:
        raise Refused(f"opening it takes more than {memory >> 20} MiB of memory, " + (
            "the limit; 'fmtbench --memory-limit SIZE ...' allows more" if memory == job["memory"]
            else f"which is refused for a file of {size} bytes")) from None
    limit_time(None)
    return listing


def deliver_slab(listing, out, message):
    """One slab, in C order and the machine's byte order."""
    _, dtype, _, load = listing.arrays[message["read"]]
    where = tuple(slice(s, s + n) for s, n in zip(message["start"], message["count"]))
    try:
        slab = np.ascontiguousarray(np.asarray(load())[where], dtype.newbyteorder("="))
    except MemoryError:
        raise Refused("reading it takes more memory than is left") from None
    except (OSError, RuntimeError, ValueError, NotImplementedError, zipfile.BadZipFile,
            zlib.error) as why:
        raise Refused(clip(str(why))) from None
    frame(out, slab.reshape(-1).view(np.uint8).data)
    out.flush()


def source(job):
    gc.disable()  # nothing here is ever given back before the end
    listing = open_source(job)
    say(ready=True, catalog=listing.catalog())
    with open(FD_DELIVER, "wb") as out:
        message = hear()
        while "read" in message:
            try:
                deliver_slab(listing, out, message)
                say(read=True)
            except Refused as why:
                say(read=False, why=str(why))
            message = hear()
    sys.stdout.flush()
    os._exit(0)  # a large tree takes long to take down


# --- requests of a plan (bench/plan.h) ------------------------------------------------------------


def numbers(text):
    return [int(word) for word in text.split()]


class Request:
    def __init__(self, row):
        self.op, self.array, self.name = row["op"], row["array"], row["name"]
        self.joined = row["joined"] == "1"
        if self.op.startswith("search"):
            self.axis, self.min, self.max = int(row["axis"]), int(row["min"]), int(row["max"])
            self.matches = re.compile(fnmatch.translate(self.array)).match
        elif self.op != "catalog":
            start, self.count = numbers(row["start"]), numbers(row["count"])
            self.slab = tuple(slice(s, s + c) for s, c in zip(start, self.count))
            self.dtype = np.dtype(row["dtype"])
            self.sample = row["sample"]


def read_plan(path):
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return [Request(row) for row in csv.DictReader(file)]


def to_bytes(text):
    return text.encode("utf-8", "surrogateescape")


def native(array):
    """C order and the machine's byte order; opaque records as they are."""
    if array.dtype.kind in "iuf":
        return np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array)


def mean(array):
    """bench/mean.h says what it is, to the last bit."""
    values = np.array(array, "f8", order="C")
    if values.ndim > 1 and values.shape[1] > 1:
        total = values.sum(axis=0) + 0.0
    else:
        total = np.add.accumulate(values, axis=0)[-1] + 0.0
    return np.where(np.isnan(total), np.nan, total / len(values))


# --- catalogs -------------------------------------------------------------------------------------

NOXIRE = re.compile(r"sample_([0-9]{3,})/(expert|novice)/([^/]+)").fullmatch
# What the guide's searches ask for, and where its samples are.
GUIDES = re.compile(r"\*/(expert|novice)/[^/*?\[\\]+").fullmatch
GUIDES_GROUP = re.compile(r"sample_[0-9]+/(expert|novice)").fullmatch


def natural(path):
    """A key for fb_natural_compare's order (datasets/catalog.c)."""
    key = []
    for part in to_bytes(path).split(b"/"):
        tokens, zeros = [], []
        for word in re.findall(rb"[0-9]+|[^0-9]", part):
            if word.isdigit():
                digits = word.lstrip(b"0")
                tokens.append((ord("0"), len(digits), digits))
                zeros.append(len(word) - len(digits))
            else:
                tokens.append((word[0],))
        key.append((tokens, zeros))
    return key


def parents(paths):
    """The sample of each array where nothing but paths is known, as fb_catalog_unname tells it."""
    if paths and all(NOXIRE(path) for path in paths):
        return {path: path.split("/")[0] for path in paths}
    return {path: path.rpartition("/")[0] for path in paths}


def dtype_name(dtype):
    return dtype.name if dtype.kind in "iufb" else f"V{dtype.itemsize}"


def catalog_text(arrays):
    """Of (sample's path, sample's name, array's path, dtype, shape)."""
    lines = []
    for _, _, path, dtype, shape in sorted(arrays, key=lambda a: (natural(a[0]), natural(a[2]))):
        lines.append(f"{path}\t{dtype_name(dtype)}\t{'x'.join(map(str, shape))}\n")
    return to_bytes("".join(lines))


def search(arrays, request):
    """The same tuples that answer the request: work on the clock."""
    found = []
    for array in arrays:
        _, name, path, _, shape = array
        if request.op == "search-name" and name != request.name:
            continue
        if request.axis < len(shape) and request.matches(path) and (
                request.op == "search-name" or request.min <= shape[request.axis] <= request.max):
            found.append(array)
    return found


def answer(found, axis):
    """Their text: the first array of each sample stands for it."""
    lines = {}
    for sample, name, _, _, shape in sorted(found, key=lambda a: (natural(a[0]), natural(a[2]))):
        lines.setdefault(sample, f"{name}\t{shape[axis]}\n")
    return to_bytes("".join(lines.values()))


# --- format pickle --------------------------------------------------------------------------------

# The order in which the guide names them; others come behind, in catalog order.
FEATURES = ["face", "aus", "head"]


def feature_order(name):
    return FEATURES.index(name) if name in FEATURES else len(FEATURES)


def sessions(arrays):
    """The guide's layout, a list of (expert, novice) tuples of dicts; None for other paths."""
    people = {}
    for path, array in arrays.items():
        match = NOXIRE(path)
        if not match:
            return None
        number, person, feature = match.groups()
        people.setdefault(number, {"expert": {}, "novice": {}})[person][feature] = array
    if list(people) != [f"{i:03d}" for i in range(len(people))]:
        return None
    # One text for one key, as the names in a script are: pickle writes the second as a reference.
    data = [tuple({sys.intern(name): person[name] for name in sorted(person, key=feature_order)}
                  for person in (pair["expert"], pair["novice"])) for pair in people.values()]
    return data if is_sessions(data) else None


def listed(tree):
    """Dicts whose keys are 0 to n-1 become lists, from the leaves on."""
    if not isinstance(tree, dict):
        return tree
    branches = {key: listed(branch) for key, branch in tree.items()}
    keys = [str(i) for i in range(len(branches))]
    return [branches[key] for key in keys] if set(keys) == set(branches) else branches


def nested(arrays):
    """Dicts by path."""
    tree = {}
    for path, array in arrays.items():
        *groups, name = map(sys.intern, path.split("/"))
        at = tree
        for group in groups:
            at = at.setdefault(group, {})
            if not isinstance(at, dict):
                break
        if not isinstance(at, dict) or name in at:
            raise Refused(f"array {path} cannot be kept in a pickle: another array is in its way")
        at[name] = array
    return listed(tree)


def is_sessions(data):
    """By the features' names: a list of pairs of dicts alone may be anything."""
    return isinstance(data, list) and bool(data) and all(
        isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], dict) and
        isinstance(pair[1], dict) and any(name in pair[0] or name in pair[1] for name in FEATURES)
        for pair in data)


class Reader:
    """What formats have alike. Their `start` is called once, off the clock, when all else is ready."""

    @staticmethod
    def give_memory_back():
        """What was freed goes to the kernel: every iteration pays for its pages, as a program's
        first one does."""
        libc.malloc_trim(0)

    def let_go(self):
        pass


class PickleFile(Reader):
    """Opening it is pickle.load of the whole file; everything is served from what that made, as views,
    as to a script. No memory setting is touched: the loads of a plain script are to be measured."""
    suffix, flags = ".pkl", ["loads_whole"]

    @staticmethod
    def start(path, options):
        Unpickler(__import__("io").BytesIO(pickle.dumps([np.zeros(3)], 4))).load()

    def __init__(self, path):
        self.data = load_pickle(path)
        self.sessions = is_sessions(self.data)

    def find(self, path):
        at, steps = self.data, path.split("/")
        try:
            if self.sessions:
                sample, person, feature = steps
                return at[int(sample[len("sample_"):])][person == "novice"][feature]
            for step in steps:
                at = at[int(step)] if isinstance(at, (list, tuple)) else at[step]
        except (LookupError, ValueError, TypeError) as error:
            raise Refused(f"it has no array {path}") from error
        return at

    def read(self, request):
        return self.find(request.array)[request.slab]

    def load(self, request):
        return self.find(request.array)

    def arrays(self):
        """(path, array) of all."""
        if self.sessions:
            for i, pair in enumerate(self.data):
                for person, features in zip(("expert", "novice"), pair):
                    for name, array in features.items():
                        yield f"sample_{i:03d}/{person}/{name}", array
            return
        ways = [("", self.data)]
        while ways:
            path, at = ways.pop()
            if isinstance(at, np.ndarray):
                yield path[1:], at
            elif isinstance(at, dict):
                ways.extend((f"{path}/{key}", branch) for key, branch in at.items())
            elif isinstance(at, (list, tuple)):
                ways.extend((f"{path}/{i}", branch) for i, branch in enumerate(at))

    def catalog(self):
        found = dict(self.arrays())
        samples = parents(found)
        return [(samples[path], samples[path], path, array.dtype, array.shape)
                for path, array in found.items()]

    def search(self, request):
        """A loop over the guide's list, as a script has it; other pickles by path."""
        guides = GUIDES(request.array) if self.sessions and request.axis == 0 else None
        if not guides:
            return search(self.catalog(), request)
        person, feature = guides[1] == "novice", request.array.rpartition("/")[2]
        found = []
        for i, pair in enumerate(self.data):
            sample, array = f"sample_{i:03d}", pair[person].get(feature)
            if array is not None and array.ndim and (
                    sample == request.name if request.op == "search-name"
                    else request.min <= len(array) <= request.max):
                found.append((sample, sample, "", None, (len(array),)))
        return found

    def close(self):
        """All of it goes back to the kernel at once, as when a script's first pickle is let go of;
        later ones malloc would keep, and give back off the clock."""
        self.data = None
        self.give_memory_back()

    def storage(self, request):
        return {"layout": "document", "chunk": "", "filters": ""}


class PickleAgain(PickleFile):
    """The same in a process that has loaded it before, and whose malloc has kept the memory. Left
    alone, it keeps all, part or nothing, by the sizes of arrays and what else the process does: a
    later load of a script costs something between this and a first one."""

    @classmethod
    def start(cls, path, options):
        super().start(path, options)
        if not (libc.mallopt(M_MMAP_MAX, 0) and libc.mallopt(M_TRIM_THRESHOLD, -1)):
            raise Refused("this C library cannot be told to keep memory")
        cls(path).close()

    @staticmethod
    def give_memory_back():
        pass


def write_pickle(arrays, options, file):
    data = sessions(arrays)
    pickle.dump(nested(arrays) if data is None else data, file, int(options["protocol"]))


# --- format h5py ----------------------------------------------------------------------------------

FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset",
           307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle",
           32015: "zstd"}
LEVELS = {1: 0, 307: 0, 32001: 4}  # which parameter is the level


def filter_text(id, values):
    """As fmtbench's own worker tells it (formats/hdf5/filters.c)."""
    name = FILTERS.get(id, f"filter({id})")
    if LEVELS.get(id, len(values)) >= len(values):
        return name
    shuffles = name == "blosc" and values[5:6] == (1,)
    return f"{name}({values[LEVELS[id]]}{',shuffle' if shuffles else ''})"


class H5pyFile(Reader):
    """As the guide's code reads: h5py.File, a path, a slice. The arrays are h5py's own, new ones."""
    suffix, flags = ".h5", []

    @staticmethod
    def start(path, options):
        with h5py.File("fmtbench-rehearsal", "w", driver="core", backing_store=False) as file:
            values = np.arange(64, dtype="f4").reshape(8, 8)
            file.create_dataset("g/x", data=values, chunks=(4, 8), compression=4, shuffle=True)
            file["g"].attrs["name"] = "x"
            file.flush()
            assert (file["g"]["x"][2:6] == values[2:6]).all() and file["g"].attrs["name"] == "x"
        # Plugins are loaded when they are first asked for: which one, is known of files of ours.
        for id, name in FILTERS.items():
            if not options or f"filter={name}" in options.split(","):
                h5py.h5z.filter_avail(id)

    def __init__(self, path):
        self.file = h5py.File(path, "r")
        self.let_go()

    def find(self, request):
        """The array, open while requests for it follow each other. The guide's code goes from group
        to group, hf['sample_000']['expert']['face'], and in load_sample alone, whose requests are
        joined, once for all features."""
        path = request.array
        if path != self.path:
            self.array = None
            above, _, name = path.rpartition("/")
            if not GUIDES_GROUP(above):
                self.array = self.file[path]
            else:
                if not request.joined or above != self.above:
                    sample, person = above.split("/")
                    self.group, self.above = self.file[sample][person], above
                self.array = self.group[name]
            self.path = path
        return self.array

    def read(self, request):
        return np.asarray(self.find(request)[request.slab])

    load = read

    def catalog(self):
        found, named = [], {}
        reserved = "sample_names" if "num_samples" in self.file.attrs else None

        def look(path, thing):
            if not isinstance(thing, h5py.Dataset):
                name = thing.attrs.get("sample_name") if isinstance(thing, h5py.Group) else None
                if isinstance(name, str):
                    named[path] = name
            elif path != reserved and not thing.dtype.hasobject and thing.shape is not None:
                found.append((path, thing.dtype, thing.shape))

        self.file.visititems(look)
        return [(*self.sample(path, named), path, dtype, shape) for path, dtype, shape in found]

    @staticmethod
    def sample(path, named):
        parent = group = path.rpartition("/")[0]
        while group and group not in named:
            group = group.rpartition("/")[0]
        return (group, named[group]) if group else (parent, parent)

    def search(self, request):
        guides = GUIDES(request.array) if request.axis == 0 else None
        if guides and "num_samples" in self.file.attrs:
            with contextlib.suppress(KeyError):
                if request.op == "search-name":
                    return self.by_name(request, guides[1])
                return self.by_frame_count(request, guides[1])
        return search(self.catalog(), request)

    def by_frame_count(self, request, person):
        """search_samples_by_frame_count of the guide: attributes alone."""
        found = []
        for i in range(self.file.attrs["num_samples"]):
            sample = self.file[f"sample_{i:03d}"]
            frames = sample.attrs[f"num_frames_{person}"]
            if request.min <= frames <= request.max:
                found.append((f"sample_{i:03d}", sample.attrs["sample_name"], "", None, (frames,)))
        return found

    def by_name(self, request, person):
        names = list(self.file["sample_names"][:])
        if to_bytes(request.name) not in names:
            return []
        path = f"sample_{names.index(to_bytes(request.name)):03d}"
        frames = self.file[path].attrs[f"num_frames_{person}"]
        return [(path, request.name, "", None, (frames,))]

    def let_go(self):
        self.array = self.path = self.group = self.above = None

    def close(self):
        self.let_go()
        self.file.close()

    def storage(self, request):
        array = self.find(request).id
        creation = array.get_create_plist()
        filters = [creation.get_filter(i) for i in range(creation.get_nfilters())]
        layout = {h5py.h5d.CHUNKED: "chunked", h5py.h5d.COMPACT: "compact"}.get(
            creation.get_layout(), "contiguous")
        chunked = layout == "chunked"
        return {"layout": layout, "stored_bytes": array.get_storage_size(),
                "chunk": "x".join(map(str, creation.get_chunk())) if chunked else "",
                "chunk_cache_bytes": array.get_access_plist().get_chunk_cache()[1] if chunked else 0,
                "filters": "+".join(filter_text(id, values) for id, _, values, _ in filters)}


# --- jobs read and create -------------------------------------------------------------------------

READERS = {"pickle": PickleFile, "pickle-again": PickleAgain, "h5py": H5pyFile,
           "h5py-contiguous": H5pyFile, "h5py-as-is": H5pyFile}


class Clock:
    """Runs while reading is done; with counters (bench/counters.h) of the same spans."""

    def __init__(self, counted):
        self.ns, self.counted = 0, counted
        if counted:
            self.io = os.open("/proc/self/io", os.O_RDONLY)
            self.sums = dict.fromkeys(COUNTERS, 0)

    def usage(self):
        used = resource.getrusage(resource.RUSAGE_SELF)
        return [used.ru_minflt, used.ru_majflt, round(used.ru_utime * 1e9),
                round(used.ru_stime * 1e9)]

    def transfers(self):
        text = os.pread(self.io, 512, 0)
        lines = dict(line.split(b": ") for line in text.splitlines())
        return [int(lines[name]) for name in (b"rchar", b"syscr", b"read_bytes")], len(text)

    def on(self):
        if self.counted:
            self.begun, self.own = self.transfers()
            self.begun += self.usage()
        self.since = time.monotonic_ns()

    def off(self):
        self.ns += time.monotonic_ns() - self.since
        if not self.counted:
            return
        usage = self.usage()
        now = self.transfers()[0] + usage
        # The reading that began the span is counted behind itself.
        own = [self.own, 1] + [0] * (len(COUNTERS) - 2)
        for name, before, after, less in zip(COUNTERS, self.begun, now, own):
            self.sums[name] += after - before - less

    def result(self):
        if self.counted:
            os.close(self.io)
            return {"ns": self.ns, "counters": self.sums}
        return {"ns": self.ns}


COUNTERS = ["read_bytes", "read_calls", "device_bytes", "minor_faults", "major_faults", "user_ns",
            "system_ns"]


def serve(reader, request):
    if request.op == "read":
        return reader.read(request)
    if request.op == "load":
        return reader.load(request)
    if request.op == "mean":
        return mean(reader.read(request))
    if request.op == "catalog":
        return reader.catalog()
    if request.op.startswith("search"):
        return reader.search(request)
    raise Refused(f"the plan asks for {request.op}, which this worker does not know")


class Delivery:
    """What becomes of results, all of it with the clock stopped.

    Arrays that were read are put aside at once, in a touched ring of the job's `buffer`, so that
    their memory is free for the next request, as in a loop that lets go of what it has used; those
    of loads stay. They get the form in which the runner wants them: C order and the machine's byte
    order, which a script can do without, and text for catalogs and answers."""

    def __init__(self, buffer, out):
        self.ring, self.used = np.full(buffer, 1, "u1"), 0
        self.waiting, self.out = [], out

    def take(self, request, result):
        if request.op in ("read", "mean") and result.nbytes <= len(self.ring):
            result = native(result)
            if self.used + result.nbytes > len(self.ring):
                self.flush()
            aside = self.ring[self.used:self.used + result.nbytes]
            if result.nbytes:
                aside[:] = result.reshape(-1).view("u1")
            self.used += result.nbytes
            result = aside
        self.waiting.append((request, result))

    def flush(self):
        for request, result in self.waiting:
            if request.op == "catalog":
                frame(self.out, catalog_text(result))
            elif request.op.startswith("search"):
                frame(self.out, answer(result, request.axis))
            else:
                result = native(result)
                frame(self.out, result.reshape(-1).view("u1").data if result.nbytes else b"")
        self.out.flush()
        self.waiting, self.used = [], 0


def iterate(job, requests, delivery, counted):
    """One iteration, as fb_execute (bench/execute.c) does it."""
    opened, handle, clock = READERS[job["format"]], job["handle"], Clock(counted)
    loads = requests[0].op == "load"
    reader = opened(job["file"]) if handle == "keep" else None
    clock.on()
    if handle == "once":
        reader = opened(job["file"])
    for request in requests:
        if handle == "each" and not request.joined:
            if reader:
                reader.close()
            reader = opened(job["file"])
        result = serve(reader, request)
        if not loads:
            clock.off()
        delivery.take(request, result)
        if not loads:
            clock.on()
        result = None
    if handle == "each":
        reader.close()
    else:
        reader.let_go()
    clock.off()
    delivery.flush()
    # A plan of loads has done its work when all is in memory.
    if handle == "once" and not loads:
        clock.on()
        reader.close()
        clock.off()
    reader.close()
    return clock.result()


@contextlib.contextmanager
def told(path):
    """Whatever goes wrong becomes a word to the runner."""
    try:
        yield
    except Refused as reason:
        raise Refused(f"{path}: {reason}") from reason
    except Exception as error:
        text = " ".join(str(error).split())
        raise Refused(f"{path}: {type(error).__name__}: {text}") from error


def peak_bytes():
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def job_read(job):
    requests, path = read_plan(job["plan"]), job["file"]
    with told(path), open(FD_DELIVER, "wb") as out:
        opened = READERS[job["format"]]
        delivery = Delivery(job["buffer"], out)
        opened.start(path, job.get("options", ""))
        # What is ours is not for the collector to go through while a pickle is loaded.
        gc.collect()
        gc.freeze()
        say(ready=True)
        while (order := hear()).get("go"):
            for _ in range(order["iterations"]):
                opened.give_memory_back()
                say(**iterate(job, requests, delivery, order.get("counters")))
        done = {"peak_bytes": peak_bytes()}
        if job.get("storage") and requests and hasattr(requests[0], "slab"):
            reader = opened(path)
            done["storage"] = reader.storage(requests[0])
            reader.close()
    say(done=True, **done)


def receive(requests):
    """All arrays of a create job by path, and the nanoseconds that were spent waiting for them."""
    arrays, since = {}, time.monotonic_ns()
    with open(FD_CREATE, "rb") as incoming:
        for request in requests:
            array = np.empty(request.count, request.dtype)
            size, = struct.unpack("<Q", incoming.read(8))
            into = array.reshape(-1).view("u1") if array.nbytes else array
            if size != array.nbytes or (size and incoming.readinto(into.data) != size):
                raise Refused(f"array {request.array} came with {size} bytes, "
                              f"not {array.nbytes}")
            arrays[request.array] = array
    return arrays, time.monotonic_ns() - since


def job_create(job):
    requests, path = read_plan(job["plan"]), job["file"]
    options = dict(item.split("=", 1) for item in job["options"].split(","))
    temporary = f"{path}.tmp-{os.getpid()}-python"
    say(ready=True)
    if not hear().get("go"):
        return
    with told(path):
        since, cpu_since = time.monotonic_ns(), time.process_time_ns()
        arrays, waited = receive(requests)
        cpu_waited = time.process_time_ns() - cpu_since
        try:
            with open(temporary, "wb") as file:
                write_pickle(arrays, options, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    say(created=True, ns=time.monotonic_ns() - since - waited,
        cpu_ns=time.process_time_ns() - cpu_since - cpu_waited)


# --- the job --------------------------------------------------------------------------------------

def formats():
    return [{"name": name, "suffix": reader.suffix, "flags": reader.flags,
             "create": name == "pickle"}
            for name, reader in READERS.items() if h5py or issubclass(reader, PickleFile)]


def libraries():
    versions = {"python": sys.version.split()[0], "numpy": np.__version__}
    if h5py is not None:
        versions.update({"h5py": h5py.__version__, "h5py-hdf5": h5py.version.hdf5_version})
    return versions


JOBS = {"read": job_read, "create": job_create, "source": source}


def main():
    say(protocol=PROTOCOL, program="fmtbench-python 1", deliver=["bytes"], counters=True,
        formats=formats(), libraries=libraries())
    job = hear()
    try:
        JOBS[job["job"]](job)
    except Refused as reason:
        say(error=str(reason))
        sys.exit(1)


if __name__ == "__main__":
    main()
