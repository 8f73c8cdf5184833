"""All benchmarks: `python -m tests.benchmarks.run [NAME…] [--quick | --full]`, or `make bench`."""

from tests.benchmarks import capture, importing, lag, memory, proving, verifying
from tests.benchmarks.workbench import run_benches

BENCHES = {
    **capture.BENCHES,
    **lag.BENCHES,
    **importing.BENCHES,
    **verifying.BENCHES,
    **proving.BENCHES,
    **memory.BENCHES,
}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
