"""``mtlbench pretrain``: makes an encoder that comes with a plugin again, from nothing."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from mtlbench.cli.session import open_registry

__all__ = ["HELP", "NAME", "configure", "run"]

NAME = "pretrain"
HELP = "make an encoder that ships with a plugin again, from nothing"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("encoder", metavar="NAME", help="the encoder, as cldr-mini")
    parser.add_argument(
        "--out", default="encoders", metavar="DIR", help="its files go to DIR/NAME (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="seed of text and weights (default: the shipped encoder's)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, only the card (default: progress)")


def run(args: argparse.Namespace) -> int:
    from mtlbench.interface.errors import BadSetting, MtlbenchError, UnknownName

    if args.seed is not None and args.seed < 0:
        raise BadSetting(f"--seed must be 0 or more, found {args.seed}")
    registry = open_registry(args)
    out = Path(args.out) / args.encoder

    def report(line: str) -> None:
        if not args.quiet:
            print(line, file=sys.stderr, flush=True)

    try:
        card = registry.hook.mtlbench_pretrain_encoder(name=args.encoder, out=out, seed=args.seed, report=report)
    except OSError as error:
        raise MtlbenchError(f"cannot write {out}: {error.strerror or error}") from None
    if card is None:
        raise UnknownName(f"no plugin pretrains an encoder called {args.encoder!r}; mtlbench comes with cldr-mini")
    print(json.dumps(card, indent=1, ensure_ascii=False))
    return 0
