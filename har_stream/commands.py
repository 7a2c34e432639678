"""How a command ends: its own exit code, or one clear line and the code of the fault."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from har_stream.errors import ConfigError, HarStreamError, nearest


class Parser(argparse.ArgumentParser):
    """An argument parser whose faults are one line, as every other fault of the configuration."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError; an option that is not known is told with the nearest that is."""
        known = [option for action in self._actions for option in action.option_strings]
        unknown = message.removeprefix("unrecognized arguments:").strip().partition(" ")[0]
        is_option = message.startswith("unrecognized") and unknown.startswith("--")
        hint = nearest(unknown, known) if is_option else ""
        raise ConfigError(f"{message}{hint} (see {self.prog} --help)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; what is left over is this command's own fault, not its parent's, which knows other options."""
        namespace, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return namespace, rest


class Stopped(BaseException):
    """Asked to end before the stream began."""


def guarded(program: str, run: Callable[[], int]) -> int:
    """Run a command; a fault of the user's becomes one line on stderr, Ctrl-C and a closed pipe are no faults."""
    try:
        code = run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except HarStreamError as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201 - the one line that a fault becomes
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Stopped:
        # The interpreter's end gives signals their default back, unless they are ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        return 0
    except BrokenPipeError:
        # The reader has gone; give the interpreter's last flush somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{program}: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)  # noqa: T201 - as above
        return os.EX_IOERR
    return code
