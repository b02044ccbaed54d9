#!/usr/bin/python3
"""libfmtbench-inflate.so under h5py as it is: the same bytes, the same errors, the same files."""
import ctypes
import hashlib
import json
import os
import subprocess
import sys
import threading
import zlib

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

PRELOAD = os.path.abspath(os.path.join(os.path.dirname(tap.FMTBENCH), "libfmtbench-inflate.so"))


def child(task, *args, preload=True, **env):
    """A function of this file in a fresh process; its answer."""
    env = {**os.environ, **env}
    if preload:
        env["LD_PRELOAD"] = PRELOAD
    done = subprocess.run([sys.executable, os.path.abspath(__file__), task.__name__, *args],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
                          env=env)
    assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr)
    return json.loads(done.stdout)


# --- in the child ---------------------------------------------------------------------------------

def mapped(word):
    """The path of a library of this process."""
    with open("/proc/self/maps") as maps:
        return next((line.split()[-1] for line in maps if word in line), None)


def server():
    """Whose function HDF5 calls for gzip, as a file's name: read out of HDF5's own table."""
    hdf5 = ctypes.CDLL(mapped("libhdf5_serial.so") or mapped("libhdf5"))
    hdf5.H5Z_find.restype = ctypes.c_void_p
    # Behind version, id, two flags, the name and two functions.
    address = ctypes.c_void_p.from_address(hdf5.H5Z_find(1) + 16 + 3 * 8).value
    with open("/proc/self/maps") as maps:
        for line in maps:
            first, last = (int(n, 16) for n in line.split()[0].split("-"))
            if first <= address < last:
                return os.path.basename(line.split()[-1])


class Stream(ctypes.Structure):
    """zlib's z_stream."""
    _fields_ = [("next_in", ctypes.c_void_p), ("avail_in", ctypes.c_uint),
                ("total_in", ctypes.c_ulong), ("next_out", ctypes.c_void_p),
                ("avail_out", ctypes.c_uint), ("total_out", ctypes.c_ulong),
                ("msg", ctypes.c_char_p), ("state", ctypes.c_void_p), ("zalloc", ctypes.c_void_p),
                ("zfree", ctypes.c_void_p), ("opaque", ctypes.c_void_p),
                ("data_type", ctypes.c_int), ("adler", ctypes.c_ulong),
                ("reserved", ctypes.c_ulong)]


def inflate(data):
    """(result, bytes) of a program that calls what it finds first, as one that is linked does."""
    found, stream = ctypes.CDLL(None), Stream()
    source, target = ctypes.create_string_buffer(data), ctypes.create_string_buffer(10000)
    stream.next_in, stream.avail_in = ctypes.addressof(source), len(data)
    stream.next_out, stream.avail_out = ctypes.addressof(target), 10000
    assert found.inflateInit_(ctypes.byref(stream), b"1.2.11", ctypes.sizeof(stream)) == 0
    result = found.inflate(ctypes.byref(stream), 4)
    found.inflateEnd(ctypes.byref(stream))
    return result, target.raw[:stream.total_out].hex()


def read(path, threads="1"):
    """Of every array, in parts and whole: a hash of what h5py reads, or the error that it raises."""
    answers = {}

    def go(names, file):
        for name in names:
            try:
                parts = [file[name][:3], file[name][()]]
                answers[name] = hashlib.md5(b"".join(p.tobytes() for p in parts)).hexdigest()
            except Exception as error:
                answers[name] = f"{type(error).__name__}: {error}"

    before = inflate(zlib.compress(b"something else"))
    with h5py.File(path, "r") as file:
        names, n = sorted(file), int(threads)
        workers = [threading.Thread(target=go, args=(names[i::n], file)) for i in range(n)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return {"answers": answers, "server": server(), "before": before}


def write(path):
    """Some arrays, read back between, so that the filter is the other one for most of them."""
    rng = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        for i in range(8):
            file.create_dataset(f"x{i}", data=rng.integers(0, 5 + i, (50, 70)), chunks=(20, 30),
                                compression=1 + i, shuffle=i % 2 == 0, fletcher32=i % 3 == 0)
            file.flush()
            assert np.all(file[f"x{i}"][()] < 5 + i)
            file[f"x{i}"].id.refresh()
            assert np.all(file[f"x{i}"][()] < 5 + i)
        # Values that could be inflated: they are deflated.
        stream = np.frombuffer(zlib.compress(bytes(range(100)) * 20), "u1")
        file.create_dataset("y", data=stream, chunks=stream.shape, compression=4)
    return server()


def plain():
    """What the calls of a program that is not HDF5 give."""
    good = zlib.compress(bytes(range(256)) * 9)
    return [inflate(good), inflate(good[:-1]), inflate(b"x" + good[1:]), inflate(b"")]


def reopen(path):
    """Through ctypes, with the library closed in between: its table of filters is made anew."""
    hdf5 = ctypes.CDLL(mapped("libhdf5_serial.so") or mapped("libhdf5"))
    ident, answers = ctypes.c_int64, []
    for function in (hdf5.H5Fopen, hdf5.H5Dopen2):
        function.restype = ident
    for _ in range(2):
        hdf5.H5open()
        file = hdf5.H5Fopen(path.encode(), ctypes.c_uint(0), ident(0))
        dataset = hdf5.H5Dopen2(ident(file), b"x1", ident(0))
        kind = ident.in_dll(hdf5, "H5T_NATIVE_INT64_g")
        values = np.zeros((50, 70), "i8")
        assert hdf5.H5Dread(ident(dataset), kind, ident(0), ident(0), ident(0),
                            ctypes.c_void_p(values.ctypes.data)) == 0
        answers.append([hashlib.md5(values.tobytes()).hexdigest(), server()])
        hdf5.H5close()
    print(json.dumps(answers), flush=True)
    os._exit(0)  # h5py knows nothing of this


# --- in the parent --------------------------------------------------------------------------------

def make_arrays(path):
    """Types, shapes, chunks and filters at random, of data that shrinks and data that does not."""
    rng = np.random.default_rng(11)
    with h5py.File(path, "w") as file:
        for i in range(150):
            shape = tuple(int(n) for n in rng.integers(3, [5000, 200, 40, 12][i % 4], i % 4 + 1))
            dtype = rng.choice(["u1", "<i2", ">i4", "<f4", "<f8", ">f8", "S7"])
            spread = int(rng.choice([1, 3, 300, 2 ** 31]))
            values = rng.integers(0, spread, shape).astype(dtype)
            chunks = tuple(int(rng.integers(1 + n // 5, n + 1)) for n in shape)
            file.create_dataset(f"x{i:03d}", data=values, chunks=chunks,
                                compression=int(rng.integers(0, 10)), shuffle=bool(rng.integers(2)),
                                fletcher32=bool(rng.integers(2)))
        # Far more than its compressed bytes, and far less than the chunk before.
        file.create_dataset("y0", data=np.zeros((8 << 20,), "u1"), chunks=(8 << 20,), compression=9)
        file.create_dataset("y1", data=np.arange(40), chunks=(7,), compression=9)
        file.create_dataset("y2", data=np.zeros((9 << 20,), "u1"), chunks=(9 << 20,), compression=9)


def damages(whole):
    """What can become of a chunk. (Not a whole stream that is too short: HDF5 takes what lies behind it
    in memory for the rest, with and without.)"""
    yield "whole", whole
    yield "cut", whole[:-1]
    yield "half", whole[:len(whole) // 2]
    yield "one byte", whole[:1]
    yield "head", whole[:2]
    yield "behind", whole + b"behind"
    yield "twice", whole + whole
    yield "long", zlib.compress(bytes(100000))
    yield "empty stream", zlib.compress(b"")
    yield "dictionary", whole[:1] + b"\xbb" + whole[2:]
    for i in (0, 1, 2, 3, len(whole) // 3, len(whole) // 2, len(whole) - 5, len(whole) - 4,
              len(whole) - 1):
        for bit in (1, 16):
            yield f"byte {i} bit {bit}", whole[:i] + bytes([whole[i] ^ bit]) + whole[i + 1:]


def make_damages(path):
    values = np.random.default_rng(1).integers(0, 99, (4, 1000))
    with h5py.File(path, "w") as file:
        for i, (name, chunk) in enumerate(damages(zlib.compress(values[1].tobytes()))):
            x = file.create_dataset(f"{i:02d} {name}", data=values, chunks=(1, 1000), compression=4)
            x.id.write_direct_chunk((1, 0), chunk)


def chunks_of(path):
    with h5py.File(path, "r") as file:
        return [(name, i, x.id.read_direct_chunk(x.id.get_chunk_info(i).chunk_offset))
                for name, x in sorted(file.items()) for i in range(x.id.get_num_chunks())]


def main():
    ours = os.path.basename(PRELOAD)
    with tap.scratch() as folder:
        arrays, damaged = (os.path.join(folder, name) for name in ("arrays.h5", "damaged.h5"))
        with tap.case("many arrays: h5py reads the same bytes"):
            make_arrays(arrays)
            without, found = child(read, arrays, preload=False), child(read, arrays)
            assert found["server"] == ours, found["server"]
            assert without["server"].startswith("libhdf5"), without["server"]
            assert found["answers"] == without["answers"]
            assert found["before"] == without["before"] == [1, b"something else".hex()]
            assert len(found["answers"]) == 153 and ": " not in "".join(found["answers"].values())
        with tap.case("in four threads"):
            threaded = child(read, arrays, "4")
            assert threaded["server"] == ours and threaded["answers"] == without["answers"]
        with tap.case("switched off, HDF5's own filter stays"):
            off = child(read, arrays, FMTBENCH_INFLATE="zlib")
            assert off == without, off["server"]
        with tap.case("damaged chunks: the same bytes or the same error"):
            make_damages(damaged)
            found, without = child(read, damaged), child(read, damaged, preload=False)
            assert found["server"] == ours
            assert found["answers"] == without["answers"], [
                (name, text, without["answers"][name]) for name, text in found["answers"].items()
                if text != without["answers"][name]]
            errors = [name for name, text in found["answers"].items() if ": " in text]
            # What stands behind a stream does not matter to HDF5, nor does what it lacks.
            assert 12 < len(errors) < len(found["answers"]) - 3, errors
        with tap.case("what is written is the same"):
            paths = [os.path.join(folder, name) for name in ("with.h5", "without.h5")]
            assert child(write, paths[0]) == ours
            assert child(write, paths[1], preload=False).startswith("libhdf5")
            assert chunks_of(paths[0]) == chunks_of(paths[1]) != []
        with tap.case("HDF5 closed and opened again is served again"):
            answers = child(reopen, paths[0])
            assert answers[0] == answers[1] and answers[0][1] == ours, answers
        with tap.case("zlib's other callers get what they always got"):
            assert child(plain) == child(plain, preload=False)
            assert child(plain)[0] == [1, (bytes(range(256)) * 9).hex()]
        with tap.case("programs without HDF5 and without zlib run"):
            env = {**os.environ, "LD_PRELOAD": PRELOAD}
            for words in (["/bin/true"], ["/bin/sh", "-c", "echo x | cat"],
                          [sys.executable, "-c", "import zlib; zlib.decompress(zlib.compress(b'x'))"]):
                done = subprocess.run(words, env=env, stdout=subprocess.PIPE, timeout=60,
                                      stderr=subprocess.PIPE)
                assert done.returncode == 0 and not done.stderr, (words, done.stderr)
    tap.done()


if len(sys.argv) > 1:
    print(json.dumps({f.__name__: f for f in (read, write, plain, reopen)}[sys.argv[1]](*sys.argv[2:])))
else:
    main()
