"""``mtlbench new``: a distribution of one's own to begin with, which works as it stands."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from mtlbench.cli.parsing import folder_path
from mtlbench.interface.errors import BadSetting

NAME = "new"
HELP = "write an installable distribution with a new method or suite, a test and an entry point"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("method", "suite"), metavar="method|suite", help="what it adds to mtlbench")
    parser.add_argument("name", metavar="NAME", help="how the command line will call it: lower case, digits, hyphens")
    parser.add_argument(
        "--out",
        type=folder_path,
        default=Path(),
        metavar="DIR",
        help="folder to write mtlbench-NAME into (default: here)",
    )


def run(args: argparse.Namespace) -> int:
    from mtlbench.cli.scaffold import files

    _refuse_bad_names(args)
    folder: Path = args.out.expanduser() / f"mtlbench-{args.name}"
    if folder.exists():
        raise BadSetting(f"{folder} exists already; choose another name or another --out, or remove it")
    try:
        for path, text in files(args.kind, args.name).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadSetting(f"cannot write {folder}: {error.strerror or error}; choose another --out") from None
    where = shlex.quote(str(folder))
    print(f"{folder}\nnext: pip install -e {where}\n      mtlbench show {args.name}\n      pytest {where}")
    return 0


def _refuse_bad_names(args: argparse.Namespace) -> None:
    from importlib.util import find_spec

    from mtlbench.cli.describe import entries_of
    from mtlbench.cli.scaffold import module_name
    from mtlbench.cli.session import open_registry
    from mtlbench.plugins import is_name

    if not is_name(args.name):
        raise BadSetting(f"{args.name!r} cannot be a name; use lower case, digits and single hyphens, as in my-method")
    taken = entries_of(open_registry(args), f"{args.kind}s").get(args.name)
    if taken is not None:
        raise BadSetting(f"{args.kind} {args.name!r} is offered by {taken.distribution} already; choose another name")
    if find_spec(module_name(args.name)) is not None:
        raise BadSetting(f"a module {module_name(args.name)} is installed already; choose another name")
