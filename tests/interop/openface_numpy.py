"""The importer of OpenFace files against numpy: every array of every session, bit for bit.

The reference reads the CSV files with Python's csv module and float(), and scales with numpy."""
import csv
import os
import random
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

AUS = "01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45".split()
POINTS = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
INTENSITIES = [f"AU{n}_r" for n in AUS]
POSE = [f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz"]
NEEDED = POINTS + INTENSITIES + POSE


def scaled(values, axis):
    low = values.min(axis, keepdims=True)
    high = values.max(axis, keepdims=True)
    return np.round((values - low) / (high - low + 1e-7), 4)


def reference(path):
    """{feature: float64 array} of one CSV file."""
    with open(path, newline="") as stream:
        header, *rows = [row for row in csv.reader(stream) if row]
    place = {name.strip(): i for i, name in enumerate(header)}
    table = np.array([[float(row[place[name]]) for name in NEEDED] for row in rows])
    table = table.reshape(len(rows), len(NEEDED))
    if len(rows) == 0:
        return {"face": np.zeros((0, 68, 2)), "aus": np.zeros((0, 17)), "head": np.zeros((0, 6))}
    face = np.stack([scaled(table[:, :68], 1), scaled(table[:, 68:136], 1)], axis=-1)
    head = np.concatenate([scaled(table[:, 153:156], 0), scaled(table[:, 156:], 1)], axis=1)
    return {"face": face, "aus": table[:, 136:153] / 5, "head": head}


def natural(name):
    digits, parts = "", []
    for c in name + "\0":
        if c.isdigit():
            digits += c
            continue
        if digits:
            parts.append((0, int(digits), ""))
        digits = ""
        parts.append((1, 0, c))
    return parts


def sessions_of(folder):
    return sorted({name.rsplit("_", 1)[0] for name in os.listdir(folder)}, key=natural)


def compare(folder, scratch):
    for dtype, option in ((np.float32, "f32"), (np.float64, "f64")):
        file = os.path.join(scratch, f"{option}.raw")
        out = os.path.join(scratch, "array.npy")
        tap.run("convert", f"openface:{folder},dtype={option}", "-f", "raw", "-o", file)
        for k, session in enumerate(sessions_of(folder)):
            for person in ("expert", "novice"):
                wanted = reference(os.path.join(folder, f"{session}_{person}.csv"))
                for feature, array in wanted.items():
                    path = f"sample_{k:03d}/{person}/{feature}"
                    tap.run("read", file, path, "-o", out)
                    got = np.load(out)
                    assert got.dtype == dtype, (path, got.dtype)
                    assert got.shape == array.shape, (path, got.shape, array.shape)
                    assert got.tobytes() == array.astype(dtype).tobytes(), path


# --- files as OpenFace and its users write them ---------------------------------------------------

def make_rows(rng, count):
    """Plausible numbers, as text, by column name."""
    rows = []
    for _ in range(count):
        row = {name: f"{rng.uniform(100, 500):.1f}" for name in POINTS}
        row.update({name: f"{max(0, rng.uniform(-2, 5)):.2f}" for name in INTENSITIES})
        row.update({name: f"{rng.uniform(-80, 600):.1f}" for name in POSE[:3]})
        row.update({name: f"{rng.uniform(-0.5, 0.5):.3f}" for name in POSE[3:]})
        row.update(frame="1", face_id="0", timestamp="0.033", confidence="0.98", success="1")
        rows.append(row)
    return rows


def write(path, columns, rows, joiner=", ", end="\n", final=True, quote=""):
    lines = [joiner.join(columns)]
    lines += [joiner.join(quote + row[name] + quote for name in columns) for row in rows]
    with open(path, "w", newline="") as stream:
        stream.write(end.join(lines) + (end if final else ""))


FIRST = ["frame", "face_id", "timestamp", "confidence", "success"]
COLUMNS = FIRST + POSE + POINTS + INTENSITIES


def constant(rows):
    """Every x alike, every rotation alike, one position column that never moves."""
    for row in rows:
        row.update({f"x_{i}": "250.0" for i in range(68)})
        row.update({name: "0.100" for name in POSE[3:]}, pose_Ty="33.3")
    return rows


def lost(rows):
    """Tracking failed: OpenFace writes zeros and success 0."""
    for row in rows[3:7]:
        row.update({name: "0" for name in NEEDED}, success="0", confidence="0.00")
    return rows


def awkward(rows):
    for row in rows:
        row.update(x_3="1.23456e+02", y_9="  277.2760001", AU01_r="-0.00", AU45_r="5.1234567890123",
                   pose_Rx="-1e-3", pose_Tx="+12.5", pose_Tz="5.97876e2")
    return rows


def without(*names):
    return [name for name in COLUMNS if name not in names]


def shuffled(rng):
    columns = COLUMNS + [f"p_rigid_{i}" for i in range(9)] + [f"AU{n}_c" for n in AUS] + ["AU28_c"]
    rng.shuffle(columns)
    return columns


def extra(rows):
    for row in rows:
        row.update({f"p_rigid_{i}": "nan" for i in range(9)})
        row.update({f"AU{n}_c": "1.00" for n in AUS}, AU28_c="0.00")
    return rows


def folders(rng):
    """name -> list of (file, columns, rows, how to write)"""
    def pair(session, columns, rows, other=None, **how):
        other = make_rows(rng, 11) if other is None else other
        return [(f"{session}_expert.csv", columns, rows, how),
                (f"{session}_novice.csv", columns, other, how)]

    n = lambda count: make_rows(rng, count)
    return {
        "CRLF": pair("a", COLUMNS, n(9), end="\r\n"),
        "CR alone": pair("a", COLUMNS, n(9), end="\r"),
        "no blanks, no final newline": pair("a", COLUMNS, n(9), joiner=",", final=False),
        "padding before and after values": pair("a", COLUMNS, n(9), joiner="  ,\t   "),
        "quoted values": pair("a", COLUMNS, n(9), joiner=",", quote='"'),
        "blank lines between rows": pair("a", COLUMNS, n(9), end="\n\n"),
        "no face_id": pair("a", without("face_id"), n(9)),
        "other columns, in another order": pair("a", shuffled(rng), extra(n(9)), extra(n(4))),
        "unequal frame counts": pair("a", COLUMNS, n(40), n(7)),
        "one frame": pair("a", COLUMNS, n(1), n(1)),
        "header only": pair("a", COLUMNS, [], n(3)),
        "columns that never change": pair("a", COLUMNS, constant(n(9))),
        "lost faces": pair("a", COLUMNS, lost(n(9))),
        "exponents, signs, many digits": pair("a", COLUMNS, awkward(n(9))),
        "sessions in natural order": sum((pair(f"s{i}", COLUMNS, n(2 + i % 3), n(1 + i % 2))
                                          for i in (100, 1, 10, 2, 9)), []),
    }


for title, files in folders(random.Random(20)).items():
    with tap.case(title), tap.scratch() as scratch:
        folder = os.path.join(scratch, "in")
        os.mkdir(folder)
        for name, columns, rows, how in files:
            write(os.path.join(folder, name), columns, rows, **how)
        compare(folder, scratch)

if tap.SHARED:
    with tap.case("files of other people's OpenFace"), tap.scratch() as scratch:
        compare(os.path.join(tap.SHARED, "openface"), scratch)

with tap.case("a damaged row is an error with its line, or left out"), tap.scratch() as scratch:
    good = make_rows(random.Random(3), 6)
    bad = make_rows(random.Random(4), 6)
    bad[2]["AU12_r"] = "NaN"
    folder = os.path.join(scratch, "in")
    clean = os.path.join(scratch, "clean")
    for path, rows in ((folder, bad), (clean, bad[:2] + bad[3:])):
        os.mkdir(path)
        write(os.path.join(path, "a_expert.csv"), COLUMNS, good)
        write(os.path.join(path, "a_novice.csv"), COLUMNS, rows)
    file = os.path.join(scratch, "x.raw")
    result = tap.run("convert", folder, "-f", "raw", "-o", file, code=1)
    assert f"{folder}/a_novice.csv:4: column AU12_r: 'NaN'" in result.stderr, result.stderr
    assert "--skip-bad-rows" in result.stderr and not os.path.exists(file), result.stderr
    wanted = reference(os.path.join(clean, "a_novice.csv"))["aus"].astype(np.float32)
    for source in ([f"openface:{folder},bad-rows=skip"], [folder, "--skip-bad-rows"]):
        result = tap.run("convert", *source, "-f", "raw", "-o", file)
        assert "a_novice.csv: skipped 1 bad row (first at line 4: column AU12_r" in result.stderr
        tap.run("read", file, "sample_000/novice/aus", "-o", os.path.join(scratch, "a.npy"))
        assert np.load(os.path.join(scratch, "a.npy")).tobytes() == wanted.tobytes()

tap.done()
