"""Predictions as JSON lines: the fields that every sink publishes, and the sinks stdout: (in a pipe) and jsonl:."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from har_stream.errors import ConfigError
from har_stream.samples import Prediction
from har_stream.sinks.sink import SinkClosed

TIME_DECIMALS: Final = 3
SHARES: Final = 10_000
"""Probabilities are told in ten thousandths."""
STDOUT: Final = 1
FEW: Final = 8
"""Lines that may have room in a pipe at once."""
NEW_FILE_MODE: Final = 0o666
"""Less what the umask takes away."""

_ENCODER: Final = msgspec.json.Encoder()


class _Settled(msgspec.Struct, gc=False):
    span: tuple[float, float]
    label: str


class _Line(msgspec.Struct, gc=False):
    """The fields of a line, in their order."""

    id: str
    device: str
    time: float
    window: tuple[float, float]
    label: str
    raw: str
    confidence: float
    probabilities: dict[str, float]
    settled: _Settled | None
    truth: str | msgspec.UnsetType | None


def encode(prediction: Prediction) -> bytes:
    """Return a prediction as one line of JSON, without the line's end."""
    return _ENCODER.encode(_line(prediction))


def _line(prediction: Prediction) -> _Line:
    """Return a prediction as JSON has it: times in s to the millisecond, probabilities to four places."""
    start_s, end_s = round(prediction.start_s, TIME_DECIMALS), round(prediction.end_s, TIME_DECIMALS)
    settled, raw, values = prediction.settled, prediction.raw, memoryview(prediction.shares).cast("f").tolist()
    last_word = None
    if settled is not None:
        span = round(settled.start_s, TIME_DECIMALS), round(settled.end_s, TIME_DECIMALS)
        last_word = _Settled(span, settled.label)
    # As round(value, 4) has it, in a third of the time: a float32 times 10,000 is exact in a float.
    shares = {label: round(value * SHARES) / SHARES for label, value in zip(prediction.labels, values, strict=True)}
    return _Line(
        prediction.id,
        prediction.device,
        end_s,
        (start_s, end_s),
        prediction.label,
        raw,
        shares[raw],
        shares,
        last_word,
        prediction.truth if prediction.has_truth else msgspec.UNSET,
    )


def _lines(predictions: list[Prediction]) -> bytes:
    return _ENCODER.encode_lines(map(_line, predictions))


def _poll_of(file: int) -> select.poll | None:
    """Return what tells whether a pipe has room, None where that is no pipe."""
    if not stat.S_ISFIFO(os.fstat(file).st_mode):
        return None
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    return poll


class JsonLines:
    """Writes a line for each prediction to a file descriptor.

    Where it is `shared` with other processes, the lines of all come whole. Unbuffered: where a reader stops reading for
    good, nothing is left that the end of the process would flush.
    """

    at_once = 1000
    condition = ""

    def __init__(self, name: str, open_file: Callable[[], int], *, shared: bool = False) -> None:
        self.name = name
        self._open_file, self._shared = open_file, shared
        self._file: int | None = None
        self._pipe: select.poll | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Need nothing: the file is opened by the first write."""

    def ready(self) -> bool:
        """Tell that a file takes whatever comes."""
        return True

    def pass_on(self, predictions: list[Prediction]) -> bool:
        """Write lines into a pipe that has room for them, and tell whether that is done. Raises OSError."""
        if len(predictions) > FEW or self._file is None or self._pipe is None:
            return False
        lines = _lines(predictions)
        # A pipe that can be written to takes PIPE_BUF bytes at once (pipe(7)).
        if len(lines) > select.PIPE_BUF or self._pipe.poll(0) != [(self._file, select.POLLOUT)]:
            return False
        os.write(self._file, lines)
        return True

    def write(self, predictions: list[Prediction]) -> int:
        """Write whole lines. Raises SinkClosed where the reader of a pipe has gone, OSError where nothing went out."""
        lines = _lines(predictions)
        sent = 0
        try:
            if self._file is None:
                self._file = self._open_file()
                self._pipe = _poll_of(self._file)
            if self._shared:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            while sent < len(lines):
                sent += os.write(self._file, lines[sent : self._until(lines, sent)])
        except BrokenPipeError:
            raise SinkClosed from None
        except OSError:
            whole = lines[:sent].count(b"\n")
            self._cut_off(sent - (lines.rfind(b"\n", 0, sent) + 1))
            if not whole:
                raise
            return whole
        finally:
            if self._shared and self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        return len(predictions)

    def _until(self, lines: bytes, start: int) -> int:
        """Return up to where lines are written at once: those of several processes mix in a pipe beyond PIPE_BUF."""
        if not self._shared:
            return len(lines)
        return 1 + max(lines.rfind(b"\n", start, start + select.PIPE_BUF), lines.index(b"\n", start))

    def _cut_off(self, torn: int) -> None:
        """Take back the `torn` bytes of a line that a full disk cut short, so that the next one begins a line."""
        if self._file is not None and torn:
            with contextlib.suppress(OSError):  # no file that could be cut
                os.ftruncate(self._file, os.fstat(self._file).st_size - torn)
                os.lseek(self._file, 0, os.SEEK_END)  # standard output need not append by itself

    def idle(self) -> None:
        """Nothing to do: nothing is held back."""

    def close(self, deadline_s: float) -> None:
        """Nothing to do: nothing is held back, and the file ends with the process."""


def json_file(path: Path, *, shared: bool = False) -> JsonLines:
    """Return a sink that appends to a file. Raises ConfigError where the file cannot be opened."""

    def append() -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, NEW_FILE_MODE)

    there = path if path.exists() else path.parent
    if path.is_dir():
        raise ConfigError(f"jsonl:{path}: is a folder")
    if not os.access(there, os.W_OK):
        raise ConfigError(f"jsonl:{path}: {'cannot be written' if there.exists() else 'no such folder'}")
    return JsonLines(f"jsonl:{path}", append, shared=shared)


def json_stdout(*, shared: bool = False) -> JsonLines:
    """Return a sink that writes to standard output."""
    return JsonLines("stdout:", lambda: STDOUT, shared=shared)
