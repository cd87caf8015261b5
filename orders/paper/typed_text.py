"""Functions that prepare texts of staff and customers for printing."""

import re
import unicodedata
from itertools import pairwise

from orders.presentation.formatting import NBSP

LONGEST_PIECE = 24
"""The number of letters that fit on the narrowest paper in the smallest type. A longer run may break anywhere."""
_BREAK = "\N{ZERO WIDTH SPACE}"
_TIE = "\N{WORD JOINER}"
_LONGEST_TAIL = 8
"""The maximum length of a run of emoji at the end of a line that is kept with the last word, in characters."""
_KEEPS_TOGETHER = {"Mn", "Me", "Mc", "Cf", "Cs", "Sk", "So"}
"""Unicode categories of the characters in a grapheme. Typst breaks lines between emoji, but must not split an emoji."""


def breakable(text: str) -> str:
    """Return the text with break opportunities in runs of letters that are too long for the paper."""
    return re.sub(rf"\S{{{LONGEST_PIECE + 1},}}", lambda run: _broken(run[0]), text)


def tied(text: str) -> str:
    """Return the text without a break opportunity between the last word of each line and the emoji after it.

    So no printed line begins with these emoji.
    """
    return "\n".join(map(_tied_line, text.split("\n")))


def widest_pieces(text: str, count: int = 8) -> list[str]:
    """Return the longest runs that can't be broken, `count` at most. These runs limit the type size."""
    runs = re.split(rf"[ \t\n{_BREAK}]+", text)
    # A line may break between two emoji, unless a zero-width joiner connects them.
    pieces = {piece for run in runs for piece in ([run] if NBSP in run else _between_emoji(run))}
    return sorted(pieces - {""}, key=len, reverse=True)[:count]


def _broken(run: str) -> str:
    parts = [run[0]]
    for before, after in pairwise(run):
        if not {unicodedata.category(before), unicodedata.category(after)} & _KEEPS_TOGETHER:
            parts.append(_BREAK)
        parts.append(after)
    return "".join(parts)


def _tied_line(line: str) -> str:
    words, _space, tail = line.rstrip().rpartition(" ")
    if not words.strip() or len(tail) > _LONGEST_TAIL or not all(map(_is_of_emoji, tail)):
        return line
    parts = [words.rstrip(), NBSP]
    for before, after in pairwise(f" {tail}"):
        starts_another = unicodedata.category(after) == "So" and before not in " \N{ZERO WIDTH JOINER}"
        parts.append(_TIE + after if starts_another and not _is_flag(before + after) else after)
    return "".join(parts)


def _is_of_emoji(char: str) -> bool:
    return unicodedata.category(char) in _KEEPS_TOGETHER


def _is_flag(pair: str) -> bool:
    return all(
        "\N{REGIONAL INDICATOR SYMBOL LETTER A}" <= char <= "\N{REGIONAL INDICATOR SYMBOL LETTER Z}" for char in pair
    )


def _between_emoji(run: str) -> list[str]:
    return "".join(" " if unicodedata.category(char) == "So" else char for char in run).split()
