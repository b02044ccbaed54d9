"""The hidden commands behind `run --whole-process`: `execute` and `evict`."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import tap

HEADER = "op,array,dtype,start,count,axis,min,max,sample,name,joined\n"


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


with tap.scratch() as tmp:
    h5 = os.path.join(tmp, "a b's.h5")
    tap.run("gen", "-o", h5, "-f", "hdf5-chunked", "--samples", 2, "--frames", "100:120")
    plan = write(os.path.join(tmp, "plan.csv"), HEADER +
                 "read,sample_000/expert/face,float32,5 0 0,50 68 2,,,,,,\n"
                 "load,sample_001/novice/aus,float32,0 0,100 17,,,,,,\n")
    empty = write(os.path.join(tmp, "empty.csv"), HEADER)

    def execute(*args, file=h5, plan=plan, **kwargs):
        return tap.run("execute", "-f", "hdf5-chunked", f"--file={file}", f"--plan={plan}",
                       "--buffer=100000", *args, **kwargs)

    with tap.case("execute reads a plan with every handle, as often as asked, without a word"):
        for handle in ("once", "each", "keep"):
            result = execute(f"--handle={handle}", "--count=3")
            assert result.stdout == result.stderr == "", result
    with tap.case("an empty plan only prepares: the file is not even opened"):
        execute(plan=empty, file=os.path.join(tmp, "nosuch.h5"))
        result = execute(file=os.path.join(tmp, "nosuch.h5"), code=1)
        assert "nosuch.h5" in result.stderr
    with tap.case("what cannot be read ends with 1 and its reason"):
        wrong = write(os.path.join(tmp, "wrong.csv"), HEADER + "read,no/such,float32,0,1,,,,,,\n")
        assert "no/such" in execute(plan=wrong, code=1).stderr
        beyond = write(os.path.join(tmp, "beyond.csv"),
                       HEADER + "read,sample_000/expert/face,float32,5 0 0,5000 68 2,,,,,,\n")
        assert "sample_000" in execute("--buffer=9000000", plan=beyond, code=2).stderr
        torn = write(os.path.join(tmp, "torn.csv"), HEADER + "read,x")
        assert "torn.csv:2" in execute(plan=torn, code=1).stderr
        assert "buffer is smaller" in tap.run("execute", "-f", "hdf5-chunked", "--file", h5, "--plan",
                                              plan, "--buffer", 10, code=2).stderr
    with tap.case("wrong words are usage errors"):
        for args, word in ((["-f", "hdf5-chunkd"], "hdf5-chunkd"), (["--handle=never"], "once, each"),
                           (["--buffer=-1"], "number of bytes"), (["--count=0"], "from 1 on"),
                           (["--options=lvel=4"], "level"), (["extra"], "too many")):
            assert word in execute(*args, code=2).stderr, args
        assert "--plan is missing" in tap.run("execute", "-f", "raw", "--file=x", "--buffer=1",
                                              code=2).stderr
        assert "--buffer is missing" in tap.run("execute", "-f", "raw", "--file=x", "--plan=x",
                                                code=2).stderr
    with tap.case("evict and evict --warm say nothing of a file that does as it is told"):
        result = tap.run("evict", "--warm", h5)
        assert result.stdout == result.stderr == ""
        # Where the file lies in memory, it cannot be evicted, and that is said.
        result = tap.run("evict", h5, code=None)
        assert result.returncode == 0 or (result.returncode == 1 and "not cold" in result.stderr)
    with tap.case("a file that stays in memory is an error of evict, with the share that stayed"):
        shm = "/dev/shm"
        if os.path.isdir(shm) and os.access(shm, os.W_OK):
            path = os.path.join(shm, f"fmtbench-test-{os.getpid()}")
            try:
                write(path, "x" * 100000)
                result = tap.run("evict", path, code=1)
                assert "not cold" in result.stderr and "tmpfs" in result.stderr, result.stderr
            finally:
                os.remove(path)
        assert "nosuch" in tap.run("evict", os.path.join(tmp, "nosuch"), code=1).stderr
    with tap.case("neither is in the help"):
        help_text = tap.run("--help").stdout
        assert "execute" not in help_text and "evict" not in help_text
tap.done()
