"""Words that stand for many: patterns with `*` and `?`, and words one edit away.

Neither is a regular expression, so nobody who asks can make either run long: a pattern is fitted in
time proportional to its length times the token's, and words are compared in one pass.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """One token, folded, in which `*` is any run of characters, also none, and `?` exactly one."""

    text: str

    def __post_init__(self) -> None:
        if not ("*" in self.text or "?" in self.text):
            raise ValueError(f"a pattern has a * or a ?, not {self.text!r}")
        if not self.text.strip("*?"):
            raise ValueError(f"a pattern has a character that is given, not {self.text!r}")

    def fits(self, token: str) -> bool:
        """Return whether the whole of `token` is as the pattern says."""
        text = self.text
        at = back = given = 0
        star = -1
        while at < len(token):
            if given < len(text) and text[given] == "*":
                star, back = given, at
                given += 1
            elif given < len(text) and text[given] in ("?", token[at]):
                at += 1
                given += 1
            elif star >= 0:  # the last star takes one character more
                back += 1
                at, given = back, star + 1
            else:
                return False
        return not text[given:].strip("*")

    def fitting(self) -> Callable[[str], bool]:
        """Return `fits` made ready for many tokens."""
        first, *middle = self.text.split("*")
        last = middle.pop() if middle else ""
        if "?" in self.text or any(middle):
            return self.fits
        least = len(first) + len(last)
        return lambda token: (
            len(token) >= least and token.startswith(first) and token.endswith(last)
        )

    @property
    def pieces(self) -> tuple[str, ...]:
        """What stands in every text that has a fitting token, a space before and after each."""
        runs = f" {self.text} ".replace("?", "*").split("*")
        return tuple(run for run in runs if run.strip())

    @property
    def is_one_run(self) -> bool:
        """Whether it gives one run of characters alone: a text with its one piece has a token."""
        return "?" not in self.text and len(self.pieces) == 1


def halves(word: str) -> tuple[str, str]:
    """Return a beginning and an end of `word`, one of which every token keeps that is near it.

    An edit leaves what stands before it or what stands behind it. Of two neighbours that are
    swapped each may stand on another side, so that the character between the two is in neither.
    """
    half = (len(word) + 1) // 2
    return word[: max(half - 1, 0)], word[half:]


def near_to(word: str) -> Callable[[str], bool]:
    """Return `is_one_edit` of `word` made ready for many tokens."""
    before, behind = halves(word)  # nearly every token has neither
    return lambda token: (
        (token.startswith(before) or token.endswith(behind)) and is_one_edit(word, token)
    )


def is_one_edit(token: str, word: str) -> bool:
    """Return whether at most one edit makes `word` of `token`.

    An edit adds, removes or changes one character, or swaps two neighbours (optimal string
    alignment distance; Damerau 1964).
    """
    if token == word:
        return True
    if abs(len(token) - len(word)) > 1:
        return False
    shorter, longer = sorted((token, word), key=len)
    same = 0
    while same < len(shorter) and shorter[same] == longer[same]:
        same += 1
    match len(longer) - len(shorter):
        case 0:
            changed = shorter[same + 1 :] == longer[same + 1 :]
            swapped = shorter[same : same + 2] == longer[same : same + 2][::-1]
            return changed or (swapped and shorter[same + 2 :] == longer[same + 2 :])
        case 1:
            return shorter[same:] == longer[same + 1 :]
        case _:
            return False
