"""How a command ends: its own exit code, or one clear line and the code of the fault."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from har_stream.errors import HarStreamError


def guarded(program: str, run: Callable[[], int]) -> int:
    """Run a command; a fault of the user's becomes one line on stderr, Ctrl-C and a closed pipe are no faults."""
    try:
        code = run()
        sys.stdout.flush()
    except HarStreamError as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201 - the one line that a fault becomes
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has gone; give the interpreter's last flush somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
