#!/usr/bin/env python3
"""fmtbench's Python worker: what takes Python's own libraries to read.

Speaks the worker protocol (bench/protocol.h) on descriptors 0 to 4. A job is one of

  read, create   of a format in FORMATS, under the same rules as fmtbench's own worker
  source         a file as a source: its catalog, then slabs as they are asked for

Its one argument names the modules that the job needs: "numpy" where there is none, or "numpy, h5py",
so that a pickle is not read in a process that has h5py and all its libraries in memory.
"""
import contextlib
import csv
import ctypes
import fnmatch
import gc
import json
import os
import pickle
import re
import resource
import struct
import sys
import time

import numpy as np

if "h5py" in " ".join(sys.argv[1:]):
    import h5py
else:
    h5py = None

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


# --- pickles --------------------------------------------------------------------------------------

# All that a pickle may name: numpy's arrays and what they are made of. Plain containers, numbers
# and text need no name.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"), ("numpy", "dtype"),
}


def latin1(text, encoding):
    """What protocol 2 keeps bytes as; the real _codecs.encode would take any codec."""
    if not isinstance(text, str) or encoding != "latin1":
        raise Refused("the pickle asks for a codec other than latin1")
    return text.encode("latin1")


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        if (module, name) == ("_codecs", "encode"):
            return latin1
        raise Refused(f"the pickle asks for {module}.{name}, which is neither a numpy array nor a "
                      "plain container; nothing of it was run")


def load_pickle(path):
    with open(path, "rb") as file:
        return Unpickler(file).load()


# --- requests of a plan (bench/plan.h) ------------------------------------------------------------


def numbers(text):
    return [int(word) for word in text.split()]


class Request:
    def __init__(self, row):
        self.op, self.array, self.name = row["op"], row["array"], row["name"]
        if self.op.startswith("search"):
            self.axis, self.min, self.max = int(row["axis"]), int(row["min"]), int(row["max"])
            self.matches = re.compile(fnmatch.translate(self.array)).match
        elif self.op != "catalog":
            start, self.count = numbers(row["start"]), numbers(row["count"])
            self.slab = tuple(slice(s, s + c) for s, c in zip(start, self.count))
            self.dtype = np.dtype(row["dtype"])
            self.sample = row["sample"]

    def held(self):
        """What its result takes up until it is delivered, of the job's `buffer`."""
        if self.op not in ("read", "mean"):
            return 0
        size = self.dtype.itemsize
        for count in self.count:
            size *= count
        return size


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
    values = array.astype("f8")
    if values.ndim > 1 and values.shape[1] > 1:
        total = values.sum(axis=0) + 0.0
    else:
        total = np.add.accumulate(values, axis=0)[-1] + 0.0
    total /= len(values)
    total[np.isnan(total)] = np.nan
    return total


# --- catalogs -------------------------------------------------------------------------------------

NOXIRE = re.compile(r"sample_([0-9]{3,})/(expert|novice)/([^/]+)").fullmatch


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
    return [tuple({sys.intern(name): person[name] for name in sorted(person, key=feature_order)}
                  for person in (pair["expert"], pair["novice"])) for pair in people.values()]


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
    return isinstance(data, list) and bool(data) and all(
        isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], dict) and
        isinstance(pair[1], dict) for pair in data)


class PickleFile:
    """Opening it is pickle.load of the whole file; everything is served from what that made. No
    memory setting is touched: the loads of a plain script are to be measured."""

    @staticmethod
    def start():
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
        return native(np.array(self.find(request.array)[request.slab]))

    def load(self, request):
        return native(self.find(request.array))

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
        return search(self.catalog(), request)

    def let_go(self):
        pass

    def close(self):
        self.data = None

    def storage(self, request):
        return {"layout": "document", "chunk": "", "filters": ""}


def write_pickle(arrays, options, file):
    data = sessions(arrays)
    pickle.dump(nested(arrays) if data is None else data, file, int(options["protocol"]))


# --- format h5py ----------------------------------------------------------------------------------

FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset",
           307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle",
           32015: "zstd"}
GUIDES = re.compile(r"\*/(expert|novice)/[^/*?\[\\]+").fullmatch


class H5pyFile:
    """As the guide's code reads: h5py.File, a path, a slice. The arrays are h5py's own, new ones."""

    @staticmethod
    def start():
        with h5py.File("fmtbench-rehearsal", "w", driver="core", backing_store=False) as file:
            values = np.arange(64, dtype="f4").reshape(8, 8)
            file.create_dataset("g/x", data=values, chunks=(4, 8), compression=4, shuffle=True)
            file["g"].attrs["name"] = "x"
            file.flush()
            assert (file["g"]["x"][2:6] == values[2:6]).all() and file["g"].attrs["name"] == "x"

    def __init__(self, path):
        self.file = h5py.File(path, "r")
        self.let_go()

    def find(self, path):
        """It stays open while requests for the same one follow each other."""
        if path != self.path:
            self.array = None
            self.array, self.path = self.file[path], path
        return self.array

    def read(self, request):
        return native(np.asarray(self.find(request.array)[request.slab]))

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
        self.array = self.path = None

    def close(self):
        self.let_go()
        self.file.close()

    def storage(self, request):
        array = self.find(request.array).id
        creation = array.get_create_plist()
        filters = [creation.get_filter(i) for i in range(creation.get_nfilters())]
        layout = {h5py.h5d.CHUNKED: "chunked", h5py.h5d.COMPACT: "compact"}.get(
            creation.get_layout(), "contiguous")
        chunked = layout == "chunked"
        return {"layout": layout, "stored_bytes": array.get_storage_size(),
                "chunk": "x".join(map(str, creation.get_chunk())) if chunked else "",
                "chunk_cache_bytes": array.get_access_plist().get_chunk_cache()[1] if chunked else 0,
                "filters": "+".join(FILTERS.get(id, f"filter-{id}") +
                                    (f"({values[0]})" if id == 1 else "")
                                    for id, _, values, _ in filters)}


# --- jobs read and create -------------------------------------------------------------------------

READERS = {"pickle": PickleFile, "h5py": H5pyFile, "h5py-contiguous": H5pyFile,
           "h5py-as-is": H5pyFile}


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


def deliver(requests, results, out):
    """With the clock stopped; so is the form in which we want catalogs and answers."""
    for request, result in zip(requests, results):
        if request.op == "catalog":
            frame(out, catalog_text(result))
        elif request.op.startswith("search"):
            frame(out, answer(result, request.axis))
        else:
            frame(out, result.reshape(-1).view("u1").data if result.nbytes else b"")
    out.flush()


def iterate(job, requests, out, counted):
    """One iteration, as fb_execute (bench/execute.c) does it."""
    opened, handle, clock = READERS[job["format"]], job["handle"], Clock(counted)
    reader = opened(job["file"]) if handle == "keep" else None
    results, done, held = [], 0, 0
    clock.on()
    if handle == "once":
        reader = opened(job["file"])
    for request in requests:
        if held and held + request.held() > job["buffer"]:
            clock.off()
            deliver(requests[done:], results, out)
            done, held = done + len(results), 0
            results.clear()
            clock.on()
        if handle == "each":
            reader = opened(job["file"])
        results.append(serve(reader, request))
        held += request.held()
        if handle == "each":
            reader.close()
    if handle != "each":
        reader.let_go()
    clock.off()
    deliver(requests[done:], results, out)
    # A plan of loads has done its work when all is in memory.
    if handle == "once" and requests[0].op != "load":
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
    trim = ctypes.CDLL(None).malloc_trim
    with told(path), open(FD_DELIVER, "wb") as out:
        opened = READERS[job["format"]]
        opened.start()
        # What is ours is not for the collector to go through while a pickle is loaded.
        gc.collect()
        gc.freeze()
        say(ready=True)
        while (order := hear()).get("go"):
            for _ in range(order["iterations"]):
                # As fmtbench's own worker: every iteration pays for its pages.
                trim(0)
                say(**iterate(job, requests, out, order.get("counters")))
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
    names = ["pickle"] if h5py is None else list(READERS)
    return [{"name": name, "suffix": ".pkl" if name == "pickle" else ".h5",
             "flags": ["loads_whole"] if name == "pickle" else [], "create": name == "pickle"}
            for name in names]


def libraries():
    versions = {"python": sys.version.split()[0], "numpy": np.__version__}
    if h5py is not None:
        versions.update({"h5py": h5py.__version__, "h5py-hdf5": h5py.version.hdf5_version})
    return versions


JOBS = {"read": job_read, "create": job_create}


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
