#!/usr/bin/env python3
"""fmtbench's Python worker: what takes Python's own libraries to read.

Speaks the worker protocol (bench/protocol.h) on descriptors 0 to 4. A job is one of

  read, create   of a format in FORMATS, under the same rules as fmtbench's own worker
  source         a file as a source: its catalog, then slabs as they are asked for
"""
import ast
import gc
import json
import math
import os
import pickle
import re
import resource
import struct
import sys
import zipfile
import zlib

import numpy as np

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


def element(order, code):
    """The numpy dtype of "<" and "f8", or why arrays of it are not taken. numpy itself is never
    asked what a text from outside means."""
    match = re.fullmatch(r"([A-Za-z])([0-9]{0,9})", code)
    if code in KNOWN or (match and match[1] == "V" and int(match[2] or 0) > 0):
        return np.dtype((order if order in ("<", ">") else "=") + code), None
    return None, WHY_NOT.get(match[1] if match else "", f"the unknown element type {clip(code)}")


def is_shape(shape):
    return (type(shape) is tuple and len(shape) <= RANK_MAX
            and all(type(n) is int and 0 <= n < 1 << 63 for n in shape))


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

class Stub:
    """What a pickle may name: it can be called, and nothing else can be done with it."""
    __slots__ = ("function",)

    def __init__(self, function):
        self.function = function

    def __call__(self, *args):
        return self.function(*args)

    def __setstate__(self, state):
        raise Refused("the pickle changes what it names")


class Element:
    """numpy.dtype, as a pickle makes it."""
    __slots__ = ("code", "order", "records")

    def __init__(self, code, *copy_and_align):
        self.code, self.order, self.records = as_text(code), "=", False

    def __setstate__(self, state):
        _, order, subarray, names, fields = state[:5]
        self.order = as_text(order)
        self.records = subarray is not None or names is not None or fields is not None

    def dtype(self):
        return (None, "structured records") if self.records else element(self.order, self.code)


class Other:
    """A value in a pickle that is no array that can be taken, and why not."""
    __slots__ = ("why",)

    def __init__(self, why):
        self.why = why

    __setstate__ = Stub.__setstate__


class Array(np.ndarray):
    """An array out of a pickle. `why` says why it is not taken; then it holds nothing."""
    why = None

    def __setstate__(self, state):
        shape, kind, fortran, data = state[-4:]
        dtype, self.why = kind_of(kind)
        if self.why:
            return
        data = as_bytes(data)
        check_shape(shape, dtype, len(data))
        super().__setstate__((1, shape, dtype, fortran is True or fortran == 1, data))

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
    return value.dtype()


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


NDARRAY = Stub(no_call)

# All that a pickle may name: numpy's arrays and what they are made of, and plain containers in the
# protocols that have no opcode for them. Numbers, text, lists, tuples and dicts need no name.
ALLOWED = {("numpy", "ndarray"): NDARRAY, ("numpy", "dtype"): Stub(Element),
           ("_codecs", "encode"): Stub(pickled_encode),
           ("collections", "OrderedDict"): Stub(pickled_container(dict))}
for _core in ("numpy.core", "numpy._core"):
    ALLOWED[_core + ".multiarray", "_reconstruct"] = Stub(pickled_reconstruct)
    ALLOWED[_core + ".multiarray", "scalar"] = Stub(pickled_scalar)
    ALLOWED[_core + ".numeric", "_frombuffer"] = Stub(pickled_buffer)
for _builtins in ("builtins", "__builtin__"):
    ALLOWED[_builtins, "complex"] = Stub(pickled_complex)
    ALLOWED[_builtins, "bytes"] = Stub(pickled_container(bytes, bytes))
    ALLOWED[_builtins, "bytearray"] = Stub(pickled_container(bytearray, bytes))
    ALLOWED[_builtins, "set"] = Stub(pickled_container(set))
    ALLOWED[_builtins, "frozenset"] = Stub(pickled_container(frozenset))


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
FEATURES = ("face", "aus", "head")


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


def is_noxire(root):
    """The NoXiRe pickle: a list of (expert, novice) tuples of dicts of arrays."""
    return type(root) is list and len(root) > 0 and all(
        type(pair) is tuple and len(pair) == 2 and all(
            type(one) is dict and any(isinstance(one.get(name), Array) for name in FEATURES)
            for one in pair) for pair in root)


class Tree:
    """What a pickle holds, path by path."""

    def __init__(self, root, size):
        self.listing = Listing()
        # Every item takes a byte of the pickle at least, unless containers hold each other.
        self.items, self.items_max = 0, max(size, 1000000)
        self.bytes, self.bytes_max = 0, UNFOLD_MAX * size + SLACK
        if is_noxire(root):
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
        raise Refused(f"opening it takes more than {memory >> 20} MiB of memory, which is refused "
                      f"for a file of {size} bytes") from None
    limit_time(None)
    return listing


def deliver(listing, out, message):
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
                deliver(listing, out, message)
                say(read=True)
            except Refused as why:
                say(read=False, why=str(why))
            message = hear()
    sys.stdout.flush()
    os._exit(0)  # a large tree takes long to take down


# --- the job --------------------------------------------------------------------------------------

FORMATS = []
JOBS = {"source": source}


def main():
    say(protocol=PROTOCOL, program="fmtbench-python 1", deliver=["bytes"], formats=FORMATS,
        libraries={"python": sys.version.split()[0], "numpy": np.__version__})
    job = hear()
    try:
        JOBS[job["job"]](job)
    except Refused as reason:
        say(error=str(reason))
        sys.exit(1)


if __name__ == "__main__":
    main()
