"""`fmtbench claims` with pickle and h5py: a complete table whose every figure and verdict follows from
the CSV files. On real OpenFace data where it is at hand, else on generated data; with two blocks a
row, to be quick: intervals are made and checked in tests/cli/claims.py."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import claims_check
import tap

source = os.path.join(tap.SHARED, "openface") if tap.SHARED else "synth:samples=3,frames=100:200"
with tap.scratch() as tmp:
    folder = os.path.join(tmp, "claims")
    with tap.case(f"claims of {'real' if tap.SHARED else 'generated'} data are all judged"):
        result = tap.run("claims", source, "--quick", "--blocks", 2, "-o", folder, timeout=900)
        wrong, verdicts = claims_check.differences(folder)
        assert len(verdicts) == 15
        for claim, verdict in verdicts.items():
            assert verdict in ("reproduced", "not reproduced", "depends"), (claim, verdict)
    with tap.case("each verdict and each figure follows from the CSV files"):
        assert not wrong, "\n".join(wrong)
    with tap.case("the pickle holds float64, its HDF5 file float32"):
        rows = claims_check.rows(folder, "whole", "results.csv")
        sizes = {r["format"]: int(r["dataset_bytes"]) for r in rows}
        assert sizes["pickle"] == 2 * sizes["h5py"] == 2 * sizes["hdf5-chunked"], sizes
        assert all(r["verification"] == "verified" for r in rows)
    with tap.case("four pictures are drawn"):
        pictures = [n for n in os.listdir(os.path.join(folder, "plots")) if n.endswith(".svg")]
        assert sorted(pictures) == ["claims-access.svg", "claims-gzip.svg", "claims-size.svg",
                                    "claims.svg"]
tap.done()
