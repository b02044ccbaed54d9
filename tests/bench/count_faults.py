"""Runs a script as it is, and says how many pages the kernel gave it between the times it took.

    count_faults.py SCRIPT [ARGUMENT...]

Behind all else that the script prints, one line: a JSON list, with the minor page faults of the process
at each call of time.time(), which takes a microsecond more for it. Where the kernel gives huge pages to
all who do not ask (transparent_hugepage=always), faults do not tell of as much memory each."""
import json
import resource
import runpy
import sys
import time

faults, clock = [], time.time


def counting():
    now = clock()
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    return now


time.time = counting
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(json.dumps(faults))
