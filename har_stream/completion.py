"""Completion of commands in a shell, made from a parser by shtab."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Final

from har_stream.commands import Parser

SHELLS: Final = ("bash", "zsh", "fish")


def complete_files(*options: argparse.Action, folders: bool = False) -> None:
    """Let options be completed by the names of files, or of folders."""
    for option in options:
        option.complete = {"folders": folders}  # type: ignore[attr-defined]  # read by script() alone


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return what a shell is to read."""
    import shtab  # noqa: PLC0415 - loaded only where it is needed

    for action in _actions(parser):
        marked = getattr(action, "complete", None)
        if isinstance(marked, dict) and "folders" in marked:
            action.complete = shtab.DIRECTORY if marked["folders"] else shtab.FILE  # type: ignore[attr-defined]  # shtab's way
        elif action.type is not None and getattr(action.type, "__name__", "") == "Path":
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # as above
    return str(shtab.complete(parser, shell=shell))


def add_completion(
    commands: argparse._SubParsersAction[Parser], make_parser: Callable[[], argparse.ArgumentParser]
) -> None:
    """Add the command that prints what a shell is to read."""

    def run(arguments: argparse.Namespace, *_: object) -> int:
        print(script(make_parser(), arguments.shell))  # noqa: T201 - a command prints its answer
        return os.EX_OK

    one = commands.add_parser("completion", help="print what completes commands in a shell")
    one.add_argument("shell", choices=SHELLS, help="the shell")
    one.set_defaults(run=run)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the actions of a parser and of its commands."""
    found: list[argparse.Action] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for inner in action.choices.values():
                found += _actions(inner)
    return found
