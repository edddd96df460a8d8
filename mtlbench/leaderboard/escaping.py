"""Text that a plugin may have supplied, made safe for the place where it is printed."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

__all__ = ["for_csv", "for_html", "for_latex", "for_markdown", "visible"]

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_REMEMBERED = 100
"""Texts up to this length are remembered: a cell is asked for once in every style."""
_MARKDOWN = re.compile(r"[\\`*_\[\]|~$@#]|(?<=www)\.|:(?=//)")
_FORMULA = tuple("=+-@＝＋－＠")
"""What a spreadsheet takes for the beginning of a formula; the wide forms where it is set to Chinese or Japanese."""
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        # A bracket after the \\ of the row above would be read as that command's argument.
        "[": "{[}",
        "]": "{]}",
        "*": "{*}",
        "±": r"$\pm$",
        "×": r"$\times$",
        "−": "$-$",
        "Δ": r"$\Delta$",
        "≤": r"$\le$",
        "≥": r"$\ge$",
        "–": "--",
        "…": r"\ldots{}",
    }
)


def visible(text: str) -> str:
    """One line in which every character shows: controls, line breaks, bidi marks and their like as ``\\u202e``."""
    if text.isprintable():  # no character of the kinds that do not show, and no space but the plain one
        return text.strip()
    return _spelled_out(text) if len(text) > _REMEMBERED else _remembered(text)


def _spelled_out(text: str) -> str:
    shown = []
    for char in text:
        kind = unicodedata.category(char)
        if kind in _UNSEEN:
            code = ord(char)
            shown.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
        else:
            shown.append(" " if kind == "Zs" else char)
    return "".join(shown).strip()


_remembered = lru_cache(maxsize=4096)(_spelled_out)


def for_markdown(text: str) -> str:
    """Literal text of a GitHub-flavoured paragraph or table cell: no markup, links, mentions or HTML come of it."""
    return _MARKDOWN.sub(r"\\\g<0>", html.escape(visible(text), quote=False))


def for_latex(text: str) -> str:
    """Literal text of a LaTeX paragraph or tabular cell; other scripts need an engine that reads UTF-8."""
    return visible(text).translate(_LATEX)


def for_html(text: str) -> str:
    """Literal text of an HTML element or quoted attribute."""
    return html.escape(visible(text))


def for_csv(text: str) -> str:
    """A cell that no spreadsheet runs as a formula; numbers stay numbers."""
    shown = visible(text)
    if shown[:1] in _FORMULA and not _is_number(shown):
        return f"'{shown}"
    return shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
