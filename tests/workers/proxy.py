#!/usr/bin/env python3
"""A worker between the runner and another, for the tests of the gate: proxy.py WHAT PROGRAM ARGUMENT...
WHAT is a JSON object without blanks, whose members go into every read job; `mute`, without counters;
`cached`, which notes what part of the job's file is in the page cache, instead of just the job;
or how it fails when it is to go: crash, wait (a little longer than a second), hang, or hang@N in the
N-th read job only. Read jobs are noted in the file PROXY_LOG, if the environment names one."""
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

what, _, nth = sys.argv[1].partition("@")
passed = [fd for fd in (3, 4) if os.path.exists(f"/proc/self/fd/{fd}")]
worker = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=passed)
jobs = 0
crashing = False


def answer():
    for line in worker.stdout:
        message = json.loads(line)
        if what == "mute":
            message.pop("counters", None)
        print(json.dumps(message), flush=True)
    # The runner is not to wait for what has ended.
    if not crashing:
        os._exit(worker.wait())


def note_job(path):
    global jobs
    if "PROXY_LOG" in os.environ:
        with open(os.environ["PROXY_LOG"], "a+") as log:
            log.write(f"{tap.cached(path) if what == 'cached' else os.getpid()}\n")
            log.seek(0)
            jobs = len(log.readlines())


answers = threading.Thread(target=answer)
answers.start()
for line in sys.stdin:
    message = json.loads(line)
    if message.get("job") == "read":
        note_job(message["file"])
        if what.startswith("{"):
            message.update(json.loads(what))
    if message.get("go") and what == "crash":
        crashing = True
        worker.kill()  # it has the same stderr, and would have the last word there
        worker.wait()
        print("the disk is on fire", file=sys.stderr)
        sys.exit(3)
    if message.get("go") and what == "wait":
        time.sleep(1.2)
    if message.get("go") and what == "hang" and nth in ("", str(jobs)):
        time.sleep(600)
    worker.stdin.write(json.dumps(message).encode() + b"\n")
    worker.stdin.flush()
worker.stdin.close()
answers.join()
