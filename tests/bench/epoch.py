"""One training epoch by fmtbench and by PyTorch's DataLoader, side by side: the same file, the same order
of samples, batch size, worker processes (forked), prefetch and rule (the first `length` rows, zeros behind
a shorter array), with the file opened for every sample, as the guide's __getitem__ does, and held open
(opened lazily by each worker, or by the consumer where there is none).

On both sides an epoch runs from before the workers are started (DataLoader's iterator is made) until the
last one has ended, with the file in the page cache, all imports done, and all batches kept until the clock
has stopped. Each side is a process of its own; pairs of epochs take turns in random order. What each
delivers is compared, sample by sample and in order, with what h5py reads here.

Prints `check<TAB>value<TAB>bound<TAB>pass|fail`. The value of epoch-FILE-WORKERS-HANDLE is the lower
one-sided 95 % bound of the median ratio of fmtbench's samples a second to PyTorch's."""
import argparse
import csv
import hashlib
import json
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

FMTBENCH = os.environ.get("FMTBENCH", "build/fmtbench")
FILES = {"contiguous": "hdf5-contiguous", "gzip": "hdf5-chunked:level=4"}
WORKERS = (0, 1, 2, 4)
# The guide's way, and holding the file; and what fmtbench calls them.
HANDLES = {"each": "each", "held": "once"}
BATCH, PREFETCH = 4, 2
HEADER = ["op", "array", "dtype", "start", "count", "axis", "min", "max", "sample", "name", "joined"]
BOUND = 1.00
# Without workers both sides spend most of a gzip epoch in zlib: near to each other, they need many pairs.
PAIRS_LEAST, PAIRS_LEAST_ALONE, PAIRS_MOST = 12, 40, 60
# A child is missed at once; this is for a machine that has other things to do.
PATIENCE_S = 20


def digest(data):
    return hashlib.blake2b(data, digest_size=16).hexdigest()


# --- PyTorch -------------------------------------------------------------------------------------


def serve_torch():
    """Epochs as they are asked for, one JSON line each."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Samples(Dataset):
        def __init__(self, path, names, length, hold):
            self.path, self.names, self.length, self.hold = path, names, length, hold
            self.file = None

        def __len__(self):
            return len(self.names)

        def read(self, file, index):
            data = file[self.names[index]][:self.length]
            if len(data) < self.length:
                padded = np.zeros((self.length, *data.shape[1:]), data.dtype)
                padded[:len(data)] = data
                data = padded
            return torch.from_numpy(data)

        def __getitem__(self, index):
            if self.hold:
                if self.file is None:
                    self.file = h5py.File(self.path, "r")
                return self.read(self.file, index)
            with h5py.File(self.path, "r") as file:
                return self.read(file, index)

    def epoch(path, names, length, workers, hold):
        dataset = Samples(path, names, length, hold)
        extra = {"prefetch_factor": PREFETCH, "multiprocessing_context": "fork"} if workers else {}
        loader = DataLoader(dataset, batch_size=BATCH, sampler=range(len(names)), num_workers=workers,
                            **extra)
        start = time.monotonic_ns()
        batches = [batch for batch in loader]
        if dataset.file is not None:
            dataset.file.close()
        taken = time.monotonic_ns() - start
        return taken, [digest(sample.numpy().tobytes()) for batch in batches for sample in batch]

    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        taken, digests = epoch(**json.loads(line))
        print(json.dumps({"ns": taken, "digests": digests}), flush=True)


class Torch:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__, "--serve-torch"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self.hear()["torch"]

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("epoch: the DataLoader's process has gone")
        return json.loads(line)

    def epoch(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        answer = self.hear()
        return answer["ns"], answer["digests"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# --- fmtbench ------------------------------------------------------------------------------------


class Worker:
    """fmtbench's own worker, by its protocol (bench/protocol.h); delivered bytes come here."""

    def __init__(self, data, workers, handle, step_ns=0):
        self.data = data
        self.bytes, pipe = os.pipe()
        os.set_inheritable(pipe, True)
        self.process = subprocess.Popen(["sh", "-c", f'exec "$0" worker 3>&{pipe}', FMTBENCH],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        close_fds=False)
        os.close(pipe)
        self.delivered = os.fdopen(self.bytes, "rb")
        self.hear()
        self.say(job="read", format=data["format"], options="", file=data["path"], plan=data["plan"],
                 handle=handle, deliver="bytes", buffer=data["buffer"], storage=False,
                 loader={"batch": BATCH, "workers": workers, "prefetch": PREFETCH, "step_ns": step_ns,
                         "memory_bytes": 0})
        self.hear()

    def say(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def hear(self):
        message = json.loads(self.process.stdout.readline())
        if "error" in message:
            raise RuntimeError(message["error"])
        return message

    def epoch(self):
        self.say(go=True, iterations=1)
        digests = []
        for _ in self.data["names"]:
            length, = struct.unpack("<Q", self.delivered.read(8))
            digests.append(digest(self.delivered.read(length)))
        return self.hear()["ns"], digests

    def children(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    if int(file.read().rsplit(")", 1)[1].split()[1]) == self.process.pid:
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def close(self):
        self.say(go=False)
        self.hear()
        self.process.stdin.close()
        self.process.wait()
        self.delivered.close()


def killed_worker(data, workers):
    """Seconds from the death of a child, in the middle of an epoch, to the error that tells of it."""
    worker = Worker(data, workers, "once", step_ns=200_000_000)
    worker.say(go=True, iterations=1)
    end = time.monotonic() + PATIENCE_S
    while len(children := worker.children()) < workers and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(random.choice(children), signal.SIGKILL)
    start = time.monotonic()
    signal.alarm(PATIENCE_S + 10)  # what would hang ends here, and fails
    try:
        worker.hear()
        sys.exit("epoch: an epoch without one of its workers came to a good end")
    except RuntimeError as error:
        taken = time.monotonic() - start
        if "killed by signal 9" not in str(error):
            sys.exit(f"epoch: a killed worker was told of as: {error}")
    worker.process.wait()
    signal.alarm(0)
    worker.delivered.close()
    return taken


# --- the comparison ------------------------------------------------------------------------------


def prepare(folder, spec, samples):
    """A file, the plan of its epoch, and what each sample must be."""
    path, plan = (os.path.join(folder, name) for name in ("data.h5", "plan.csv"))
    run, quiet = os.path.join(folder, "run"), {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([FMTBENCH, "gen", "-o", path, "-f", spec, "--samples", str(samples)], **quiet)
    subprocess.run([FMTBENCH, "run", path, "-f", "null", "-w", f"epoch:batch={BATCH}", "--cache", "warm",
                    "--handle", "once", "--blocks", "1", "--no-plots", "-o", run], **quiet)
    with open(os.path.join(run, "plan.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    with open(plan, "w", newline="") as file:
        table = csv.DictWriter(file, HEADER, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    length = int(rows[0]["max"])
    names, expected = [row["array"] for row in rows], []
    with h5py.File(path) as file:
        assert sorted(names) == sorted(f"{s}/expert/face" for s in file if "sample_0" in s)
        for name in names:
            sample = np.zeros((length, *file[name].shape[1:]), file[name].dtype)
            sample[:len(file[name])] = file[name][:length]
            expected.append(digest(sample.tobytes()))
    # Room for all batches, each of which begins on a cache line.
    batch = BATCH * int(rows[0]["bytes"])
    buffer = (batch + 64) * -(-len(names) // BATCH)
    return {"path": path, "plan": plan, "names": names, "length": length, "expected": expected,
            "format": spec.split(":")[0], "buffer": buffer}


def rank(n):
    """The order statistic (from 0) that is at least the median with 95 %: as tests/bench/paired.h."""
    term = total = 0.5 ** n
    k = 0
    while total < 0.95 and k + 1 < n:
        term *= (n - k) / (k + 1)
        total += term
        k += 1
    return min(k, n - 1)


def compare(data, torch, workers, handle, seconds):
    """Times of both sides, and how many of their epochs were not the right samples, each once."""
    worker = Worker(data, workers, HANDLES[handle])
    sides = {
        "fmtbench": worker.epoch,
        "torch": lambda: torch.epoch(path=data["path"], names=data["names"], length=data["length"],
                                     workers=workers, hold=handle == "held"),
    }
    times, wrong = {side: [] for side in sides}, {side: 0 for side in sides}
    end, pair = time.monotonic() + seconds, 0
    least = PAIRS_LEAST if workers else PAIRS_LEAST_ALONE
    while pair <= least or (pair <= PAIRS_MOST and time.monotonic() < end):
        for side in random.sample(sorted(sides), len(sides)):
            taken, digests = sides[side]()
            wrong[side] += digests != data["expected"]
            if pair:  # the first one warms up
                times[side].append(taken)
        pair += 1
    worker.close()
    return times, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=9, help="for each comparison, at the most")
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--only", default="", help="comparisons that have this in their name")
    parser.add_argument("--tmp", default=None, help="folder for the dataset")
    args = parser.parse_args()
    random.seed(1)
    checks, wrong = [], {workers: 0 for workers in WORKERS}
    with tempfile.TemporaryDirectory(prefix="fmtbench-epoch-", dir=args.tmp) as folder:
        torch = Torch()
        for file, spec in FILES.items():
            os.mkdir(os.path.join(folder, file))
            data = prepare(os.path.join(folder, file), spec, args.samples)
            for workers in WORKERS:
                for handle in HANDLES:
                    if args.only not in f"epoch-{file}-{workers}-{handle}":
                        continue
                    times, bad = compare(data, torch, workers, handle, args.seconds)
                    wrong[workers] += sum(bad.values())
                    ratios = sorted(t / f for t, f in zip(times["torch"], times["fmtbench"]))
                    speed = {side: len(data["names"]) / statistics.median(ns) * 1e9
                             for side, ns in times.items()}
                    print(f"{file}, {workers} workers, {handle}: fmtbench {speed['fmtbench']:.0f}, PyTorch "
                          f"{torch.version} {speed['torch']:.0f} samples/s; ratio "
                          f"{statistics.median(ratios):.2f}, median of {len(ratios)} pairs",
                          file=sys.stderr)
                    bound = ratios[-1 - rank(len(ratios))]
                    checks.append((f"epoch-{file}-{workers}-{handle}", f"{bound:.3f}", f"{BOUND:.2f}",
                                   bound >= BOUND))
        torch.close()
        for workers in WORKERS:
            checks.append((f"each-sample-once-{workers}", f"{wrong[workers]} wrong epochs", "0",
                           wrong[workers] == 0))
        for workers in WORKERS[1:]:
            taken = killed_worker(data, workers)
            checks.append((f"killed-worker-seconds-{workers}", f"{taken:.2f}", str(PATIENCE_S),
                           taken <= PATIENCE_S))
    for name, value, bound, fine in checks:
        print(f"{name}\t{value}\t{bound}\t{'pass' if fine else 'fail'}")
    sys.exit(0 if all(fine for *_, fine in checks) else 1)


if sys.argv[1:] == ["--serve-torch"]:
    serve_torch()
else:
    main()
