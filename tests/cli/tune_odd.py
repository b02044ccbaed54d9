"""`fmtbench tune` on odd files and specifications: an answer or a clear refusal, and nothing left."""
import os
import subprocess
import sys

import h5py
import numpy

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap  # noqa: E402


def tune(file, *args, code=0, **kwargs):
    result = tap.run("tune", file, "--quick", "--sample", "100kB", "--tmp", TMP, *args, code=code, timeout=200,
                     **kwargs)
    assert os.listdir(TMP) == [], os.listdir(TMP)
    assert code == 0 or result.stderr.startswith("fmtbench: "), result.stderr
    return result


def made(name, make):
    path = f"{scratch}/{name}.h5"
    with h5py.File(path, "w") as file:
        make(file)
    return path


def grid(*shape):
    return (numpy.arange(numpy.prod(shape)) % 251).reshape(shape).astype("f4")


def fill_of_all(file):
    file.create_dataset("x", (300, 20), "f4", chunks=(30, 20), compression=4, fillvalue=7)


def written_in_part(file):
    fill_of_all(file)
    file["x"][40:70] = 1


def empty_axes(file):
    file.create_dataset("none", (0, 5), "f4")
    file.create_dataset("x", data=grid(400, 30), chunks=(400, 1))


def odd_types(file):
    file.create_dataset("names", data=["a", "b"], dtype=h5py.string_dtype())
    file.create_dataset("rows", data=numpy.zeros(50, [("a", "f4"), ("b", "i8")]))
    file.create_dataset("x", data=grid(400, 30), chunks=(400, 1))


def external(file):
    file.create_dataset("x", (100,), "f4", external=[(f"{scratch}/raw.bin", 0, 400)])


def virtual(file):
    layout = h5py.VirtualLayout((100,), "f4")
    layout[:] = h5py.VirtualSource(f"{scratch}/cube.h5", "x", (100,))
    file.create_virtual_dataset("x", layout)


def many(file):
    for i in range(3000):
        file[f"g{i % 7}/a{i}"] = numpy.arange(5, dtype="f4")


with tap.scratch() as scratch:
    TMP = f"{scratch}/tmp"
    os.makedirs(TMP)
    cube = made("cube", lambda f: f.create_dataset("x", data=grid(40, 30, 20), chunks=(40, 30, 1)))
    # name, file, access, exit code, what is said
    answers = [
        ("one chunk", made("one", lambda f: f.create_dataset("x", data=grid(60, 40),
                                                            chunks=(60, 40), compression=4)),
         "index:axis=0,n=9", "float32 60x40"),
        ("unlimited dimensions", made("grows", lambda f: f.create_dataset(
            "x", data=grid(500, 20), chunks=(500, 1), maxshape=(None, None))),
         "window:length=50,n=5", "float32 500x20"),
        ("zero-length axes beside others", made("empty", empty_axes), "window:length=50,n=5",
         "x, float32 400x30"),
        ("types that no setting is for, beside others", made("types", odd_types),
         "window:length=20,n=5", "x, float32 400x30"),
        ("nothing but fill values", made("fill", fill_of_all), "window:length=20,n=5", "300x20"),
        ("written in part", made("part", written_in_part), "window:length=20,n=5", "300x20"),
        ("axes of length one", made("ones", lambda f: f.create_dataset(
            "x", data=grid(1, 1, 1), chunks=(1, 1, 1))), "whole", "1x1x1"),
        ("a series through a cube", cube, "index:axis=1x2,n=9", "40x30x20"),
        ("single elements, and all", cube, "5*point:n=9+whole", "40x30x20"),
        ("a list of slabs", cube, f"slabs:file={scratch}/slabs.tsv", "40x30x20"),
        ("rank 8", made("deep", lambda f: f.create_dataset(
            "x", data=grid(3, 2, 3, 2, 3, 2, 3, 2), chunks=(3, 2, 3, 2, 1, 1, 1, 1))),
         "index:axis=7,n=2", "3x2x3x2x3x2x3x2"),
        ("3000 arrays", made("many", many), "whole", "3000 arrays"),
    ]
    with open(f"{scratch}/slabs.tsv", "w") as file:
        file.write("# mine\nx\t0 0 0\t10 10 10\n*\t30 20 10\t10 10 10\n")
    for name, path, access, said in answers:
        with tap.case(name):
            result = tune(path, "--access", access)
            assert said in result.stdout, result.stdout
            assert "Recommended: " in result.stdout or "Keep the present" in result.stdout
    with tap.case("an array that can grow is not advised to be in one piece, and the advice can be applied"):
        # Row by row: whatever is advised is many times as fast.
        noise = numpy.random.default_rng(1).random((4000, 5)).astype("f4")
        path = made("growing", lambda f: f.create_dataset("x", data=noise, chunks=(1, 5), maxshape=(None, 5)))
        result = tune(path, "--access", "whole", "--apply", f"{scratch}/applied.h5")
        assert "array x can grow" in result.stderr, result.stderr
        assert "Recommended: in one piece" not in result.stdout, result.stdout
        with h5py.File(f"{scratch}/applied.h5", "r") as file:
            assert file["x"].chunks != (1, 5) and file["x"].maxshape == (None, 5)
            assert (file["x"][()] == noise).all()
    refusals = [
        ("a window longer than the array", cube, "window:length=41", 2, "41"),
        ("an axis that is not there", cube, "index:axis=3", 2, "axis"),
        ("a weight of nothing", cube, "0*whole", 2, "weight"),
        ("a pattern that is none", cube, "windw:length=3", 2, "window"),
        ("an empty term", cube, "whole++whole", 2, "term"),
        ("a length beyond all numbers", cube, "window:length=99999999999999999999", 2, "length"),
        ("a list that is not there", cube, f"slabs:file={scratch}/no.tsv", 1, "no.tsv"),
        ("single values alone", made("scalar", lambda f: f.create_dataset("x", data=1.5)), "whole",
         4, "single values"),
        ("external storage alone", made("external", external), "whole", 4, "external"),
        ("a virtual dataset alone", made("virtual", virtual), "whole", 4, "virtual"),
        ("no elements at all", made("zero", lambda f: f.create_dataset("x", (0, 3), "f4")), "whole",
         4, "without elements"),
    ]
    for name, path, access, code, said in refusals:
        with tap.case(name):
            result = tune(path, "--access", access, code=code)
            assert said in result.stderr, result.stderr
            assert result.stdout == ""
    with tap.case("a damaged chunk is an error that names the array"):
        path = made("damaged", lambda f: f.create_dataset(
            "x", data=grid(400, 30), chunks=(100, 30), compression=4))
        with h5py.File(path, "r") as file:
            chunk = file["x"].id.get_chunk_info(2)
        with open(path, "r+b") as file:
            file.seek(chunk.byte_offset)
            file.write(b"\0" * chunk.size)
        result = tune(path, "--access", "window:length=50,n=5", code=1)
        assert "x" in result.stderr and "read" in result.stderr, result.stderr
tap.done()
