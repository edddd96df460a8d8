"""The command line: one module a command; heavy imports stand inside commands.

A module here that has ``NAME``, ``HELP``, ``configure(parser)`` and ``run(args) -> int`` is a command; its file is
called like the command, with underscores for hyphens. ``run`` returns the exit code: 0, 1 for a failed check or
cell, or MISUSE when files among the records were none. Mistakes of the user are raised as MtlbenchError.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from mtlbench.interface.errors import MtlbenchError

__all__ = ["main"]

MISUSE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` is the command line after the program's name."""
    try:
        # Not list(...): in this package's namespace that is the command, once it has been imported.
        code = _dispatch([*(sys.argv[1:] if argv is None else argv)])
        sys.stdout.flush()
    except MtlbenchError as error:
        _tell(" ".join(str(error).split()))
        return MISUSE
    except KeyboardInterrupt:
        print("mtlbench: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        _tell(f"{where}{error.strerror or error}")
        if error.errno == errno.ENOSPC:
            _drop_output()
        return MISUSE
    return code


def _tell(mistake: str) -> None:
    from mtlbench.leaderboard.escaping import visible

    print(f"mtlbench: error: {visible(mistake)}", file=sys.stderr)


def _drop_output() -> None:
    """What is still buffered and could not be written must not be tried again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(argv: Sequence[str]) -> int:
    from mtlbench.cli.parsing import command_parser, parse, split_command, top_parser

    name, rest = split_command(argv)
    if name is None:
        if rest and parse(top_parser(), rest) is None:
            return 0
        top_parser().print_help(sys.stderr)
        return MISUSE
    command, parser = command_parser(name)
    args = parse(parser, rest)
    return 0 if args is None else command.run(args)
