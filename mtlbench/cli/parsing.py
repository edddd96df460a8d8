"""How command lines are read: commands found by their modules, and options that every command takes."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from importlib import import_module

import mtlbench
from mtlbench import cli
from mtlbench.interface.errors import BadSetting, UnknownName, nearest

TYPE_CHECKING = False  # as in mtlbench itself
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, NoReturn, Protocol

    class Command(Protocol):
        """A module of this package that is a command."""

        NAME: str
        HELP: str
        """One line: what it does."""

        def configure(self, parser: argparse.ArgumentParser) -> None:
            """Add the command's own options."""

        def run(self, args: argparse.Namespace) -> int:
            """Do it, and return the exit code."""


__all__ = ["add_results", "command_parser", "commands", "folder_path", "parse", "split_command", "top_parser"]

_PLUGIN = ("-p", "--plugin")
_EXITS = "exit codes: 0 success, 1 a failed cell or check, 2 misuse"
_CONSTANT = r'(?m)^(NAME|HELP) = "([^"\\]*)"$'


class _Parser(argparse.ArgumentParser):
    """A parser that raises BadSetting with one line, where argparse prints its usage and ends the process."""

    def __init__(self, prog: str, description: str | None = None, **options: Any) -> None:
        options = {"epilog": _EXITS, "allow_abbrev": False, "formatter_class": _formatter, **options}
        super().__init__(prog, description=description, **options)

    def error(self, message: str) -> NoReturn:
        raise BadSetting(f"{message} (see {self.prog} --help)")


def commands() -> dict[str, str]:
    """Name to help line of every command, sorted by name."""
    found = dict(filter(None, (_name_and_help(*place) for place in _modules())))
    return {name: found[name] for name in sorted(found)}


def split_command(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name, and everything else: options that all commands take may stand on either side of it."""
    takes_value = False
    for position, word in enumerate(argv):
        if takes_value:
            takes_value = False
        elif word in _PLUGIN:
            takes_value = True
        elif not word.startswith("-"):
            return word, [*argv[:position], *argv[position + 1 :]]
    return None, [*argv]


def command_parser(name: str) -> tuple[Command, argparse.ArgumentParser]:
    """One command and its parser, without importing the others. Raises UnknownName."""
    command = None
    if "_" not in name and name.replace("-", "_") in dict(_modules()):
        command = _command(name.replace("-", "_"))
    if command is None:
        hint = nearest(name, commands())
        raise UnknownName(
            f"no command is called {name!r}"
            + (f"; did you mean {hint!r}?" if hint else ".")
            + f" Commands: {', '.join(commands())}"
        )
    parser = _Parser(f"mtlbench {command.NAME}", command.HELP)
    command.configure(parser)
    _add_options_of_all(parser)
    return command, parser


def top_parser() -> argparse.ArgumentParser:
    """The parser of a command line without a command: its help lists them all."""
    parser = _Parser("mtlbench", (mtlbench.__doc__ or "").splitlines()[0].partition(": ")[2].capitalize())
    listed = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, line in commands().items():
        listed.add_parser(name, help=line)
    _add_options_of_all(parser)
    return parser


def parse(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace | None:
    """The options in ``words``, or None when they asked for help or the version, which is then printed.

    An unknown option raises BadSetting with the nearest that there is.
    """
    try:
        args, unknown = parser.parse_known_args(words)
    except SystemExit:
        return None
    if unknown:
        known = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", parser.format_help())
        hint = nearest(unknown[0].partition("=")[0], known) if unknown[0].startswith("-") else None
        parser.error(f"unexpected {unknown[0]!r}" + (f"; did you mean {hint!r}?" if hint else ""))
    return args


def add_results(
    parser: argparse.ArgumentParser, what: str = "folder of records", *, default: str = "leaderboard/results"
) -> None:
    """The option that names a results folder."""
    from pathlib import Path

    told = f"{what} (default: %(default)s)"
    parser.add_argument("--results", type=folder_path, default=Path(default), metavar="DIR", help=told)


def folder_path(text: str) -> Path:
    """A folder's path as an option's value; an empty one, as of a variable that is not set, is not taken for here."""
    from pathlib import Path

    if not text.strip():
        raise argparse.ArgumentTypeError("a folder's path is empty; write . for the present folder")
    return Path(text)


def _command(module_name: str) -> Command | None:
    module: Any = import_module(f"{cli.__name__}.{module_name}")
    return module if hasattr(module, "NAME") else None


def _modules() -> Iterator[tuple[str, str | None]]:
    """Name, and the file of its source if there is one, of every module of this package."""
    for folder in cli.__path__:
        try:
            with os.scandir(folder) as files:
                for file in files:
                    name, _, suffix = file.name.partition(".")
                    if suffix in ("py", "pyc"):
                        yield name, file.path if suffix == "py" else None
        except NotADirectoryError:  # an archive; asking pkgutil of folders too takes a quarter of ``--help``
            import pkgutil

            yield from ((module.name, None) for module in pkgutil.iter_modules([folder]))


def _name_and_help(name: str, file: str | None) -> tuple[str, str] | None:
    """Read from the source where there is one: ``--help`` need not wait for what twelve commands import."""
    if file is not None:
        with open(file, encoding="utf-8") as source:  # noqa: PTH123 - pathlib takes longer to load than all of them
            constants = dict(re.findall(_CONSTANT, source.read()))
        if "NAME" not in constants:
            return None
        if "HELP" in constants:
            return constants["NAME"], constants["HELP"]
    command = _command(name)
    return (command.NAME, command.HELP) if command else None


def _formatter(prog: str) -> argparse.HelpFormatter:
    # Left to itself, argparse imports shutil, and with it the compression modules, to ask for this number.
    try:
        columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return argparse.HelpFormatter(prog, width=max(columns - 2, 40))


def _add_options_of_all(parser: argparse.ArgumentParser) -> None:
    shared = parser.add_argument_group("plugins and version")
    shared.add_argument(
        *_PLUGIN,
        action="append",
        default=[],
        dest="plugins",
        metavar="FILE.py|no:NAME",
        help="load a plugin from a file, or block one by its name or its distribution's; may be repeated",
    )
    shared.add_argument(
        "--strict-plugins", action="store_true", help="fail when a plugin is broken (default: set it aside and warn)"
    )
    shared.add_argument("--version", action="version", version=f"mtlbench {mtlbench.__version__}")
