"""Digests of the suites' generated data, to compare with the committed ones: ``python -m mtlbench_tasks.cldr.digests``.

Run it after a change to the generators, and raise the suites' ``version`` if the digests differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from mtlbench.interface import Split
from mtlbench_tasks.cldr import ner, nli, qa
from mtlbench_tasks.cldr.languages import LANGUAGES, MLQA_ONLY, NER_SIZES, QA_SIZES, XNLI_UNSEEN

__all__ = ["current_digests"]

_HELD_OUT: Final[tuple[Split, ...]] = ("dev", "test")


def current_digests() -> dict[str, Any]:
    """Babel's release and, by suite, a digest over the first 150 texts of each split and language, at seed 0."""
    return {"babel": metadata.version("babel"), "data": {name: _digest(rows) for name, rows in _texts().items()}}


def _texts() -> dict[str, Iterable[object]]:
    return {
        "cldr-ner": (
            example
            for language in LANGUAGES
            for split, count in _parts(language in NER_SIZES)
            for example in ner.sentences(language, split, count, 0)
        ),
        "cldr-qa": (
            example
            for language in (*QA_SIZES, *MLQA_ONLY)
            for split, count in _parts(language in QA_SIZES)
            for example in qa.questions(language, split, count, 0)
        ),
        "cldr-nli": (
            example
            for language in ("en", *XNLI_UNSEEN)
            for split, count in _parts(language == "en")
            for example in nli.claims(language, split, count, 0)
        ),
    }


def _parts(trained: bool) -> list[tuple[Split, int]]:
    held_out: list[tuple[Split, int]] = [(split, 150) for split in _HELD_OUT]
    return [("train", 150), *held_out] if trained else [("test", 150)]


def _digest(examples: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        digest.update(repr(example).encode())
        digest.update(b"\n")
    return digest.hexdigest()


if __name__ == "__main__":
    path = Path(__file__).with_name("digests.json")
    path.write_text(json.dumps(current_digests(), indent=1) + "\n", encoding="utf-8")
