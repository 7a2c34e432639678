"""What one input may cost: 1 s of the processor's time, 64 MB. More is a defect, as an exception that nobody caught is.

The time is the process', so that a busy machine does no harm.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

CPU_S: Final = 1.0
GROWTH_MB: Final = 64
KB_A_MB: Final = 1024


class DefectError(BaseException):
    """An input costs more than it may. No Exception: the code under test must not be able to catch it."""


@contextmanager
def limits() -> Iterator[None]:
    """Raise DefectError where the block takes longer or more memory than one input may."""
    before_mb = _peak_mb()
    previous = signal.signal(signal.SIGPROF, _too_slow)
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
    if _peak_mb() > before_mb + GROWTH_MB:
        raise DefectError(f"takes {_peak_mb() - before_mb:.0f} MB")


def one_line(error: Exception) -> None:
    """Check that what a user is told of an error is a line."""
    assert str(error)
    assert "\n" not in str(error)


def _too_slow(*_: Any) -> None:
    raise DefectError(f"takes more than {CPU_S:g} s")


def _peak_mb() -> float:
    # getrusage() would tell the peak of whoever started this process, where that was higher.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak) / KB_A_MB
