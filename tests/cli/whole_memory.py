"""The memory of formats that load whole files is got from the kernel and given back to it in every
iteration alike. malloc keeps large blocks once it has seen one freed; giving them back would then be
left to what the worker does between iterations, off the clock: warm rows had a sixth less to pay for
than the first iteration, or a script that loads once."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

PLAN = """op,array,dtype,start,count,axis,min,max,sample,name,joined
read,sample_000/expert/aus,float64,0 0,10 17,,,,sample_000,,
"""


def kept(format, path, plan):
    """Bytes in memory behind each of four iterations, beyond those before the first."""
    with subprocess.Popen(["/bin/sh", "-c", 'exec "$@" 3>/dev/null 4</dev/null', "sh", tap.FMTBENCH,
                           "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        def talk(until, **message):
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                answer = json.loads(line)
                assert "error" not in answer, answer
                if until in answer:
                    return
            raise AssertionError("the worker has gone")

        talk("ready", job="read", format=format, options="", file=path, plan=plan, handle="once",
             deliver="bytes", buffer=1 << 16, storage=False)
        before = tap.resident(process.pid)
        found = []
        for _ in range(4):
            talk("ns", go=True, iterations=1)
            found.append(tap.resident(process.pid) - before)
        talk("done", go=False)
    return found


with tap.scratch() as tmp:
    plan = os.path.join(tmp, "plan.csv")
    with open(plan, "w") as file:
        file.write(PLAN)
    for format in ("raw", "msgpack"):
        with tap.case(f"{format}: nothing of it stays behind an iteration"):
            path = os.path.join(tmp, "x." + format)
            tap.run("convert", "synth:samples=8,frames=800:900,dtype=f64", "-f", format, "-o", path)
            size, found = os.path.getsize(path), kept(format, path, plan)
            # The sanitizer's malloc is another, which keeps what was freed for a while.
            most = 5 * size if tap.SANITIZED else size // 4
            assert size > 8 << 20 and max(found) < most, (found, size)
tap.done()
