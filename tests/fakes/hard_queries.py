# ruff: noqa: RUF001 - look-alike characters are the subject of this module
"""The ten constructs that are hardest to answer rightly, each with texts it finds and does not.

What is expected is written out by hand. The matcher and every engine are held to it: an engine
indexes `documents()`, asks each query, and of the case's own numbers finds exactly `found`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from search.document import Document, document
from search.patterns import Pattern
from search.query import Near, Or, Phrase, Query, Stemmed, Term, Wildcard

MANY = 50_000
"""Terms of the longest OR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardQuery:
    """A query: as it is written, the tree it is, and posts with whether it finds them."""

    name: str
    text: str
    query: Query
    posts: tuple[tuple[int, str, bool], ...]

    @property
    def numbers(self) -> set[int]:
        """The numbers of this case's posts; other cases' posts say nothing about it."""
        return {number for number, _, _ in self.posts}

    @property
    def found(self) -> set[int]:
        """Those of them that the query finds."""
        return {number for number, _, is_found in self.posts if is_found}


def documents() -> list[Document]:
    """Return the posts of all cases, with ascending numbers of their own."""
    return [
        document(number=number, text=text, captured_at=number)
        for case in CASES
        for number, text, _ in case.posts
    ]


_numbers = count(1)


def _case(
    name: str, text: str, query: Query, *, found: Sequence[str], others: Sequence[str]
) -> HardQuery:
    told = [(each, True) for each in found] + [(each, False) for each in others]
    posts = tuple((next(_numbers), each, is_found) for each, is_found in told)
    return HardQuery(name=name, text=text, query=query, posts=posts)


_MANY_TERMS = [f"term{number:05}" for number in range(MANY)]

CASES: tuple[HardQuery, ...] = (
    _case(
        "same-term proximity",
        "fraud w/3 fraud",
        Near(Term("fraud"), Term("fraud"), 3),
        found=["fraud fraud", "Fraud, said of #fraud", "fraud a b FRAUD", "x fraud's own fraud"],
        others=["fraud", "a fraud b", "fraud a b c fraud", "frauds and fraud", "#fraud"],
    ),
    _case(
        "ordered proximity",
        "merger pre/2 vote",
        Near(Term("merger"), Term("vote"), 2, ordered=True),
        found=["merger vote", "the merger: a vote", "vote merger vote", "#merger #vote"],
        others=["vote merger", "vote on merger", "merger a b vote", "merger", "vote a merger"],
    ),
    _case(
        "a phrase or its first word, whichever is nearer",
        '("quick sale" OR quick) pre/2 vot*',
        Near(
            Or((Phrase(("quick", "sale")), Term("quick"))),
            Wildcard(Pattern("vot*")),
            2,
            ordered=True,
        ),
        found=["quick sale a vote", "quick vote", "quick a voter", "vote: quick sale, vote"],
        others=["quick a b vote", "quick sale a b vote", "vote quick sale", "quick sale"],
    ),
    _case(
        "three-term proximity",
        "(boeing w/3 max) w/3 crash",
        Near(Near(Term("boeing"), Term("max"), 3), Term("crash"), 3),
        found=[
            "boeing max crash",
            "crash a b boeing c d max",
            "max a b boeing c d crash",
            "max crash, says Boeing",
        ],
        others=[
            "boeing a b c max crash",
            "boeing max a b c crash",
            "boeing crash",
            "crash a b c boeing max a b c crash",
            "boeing crash maximum",
        ],
    ),
    _case(
        "three times the same term",
        "(a w/2 a) w/2 a",
        Near(Near(Term("a"), Term("a"), 2), Term("a"), 2),
        found=["a a a", "a x a x a", "x a x a a"],
        others=["a", "a a", "a x x a x x a", "a x a x x a", "a a x x a"],
    ),
    _case(
        "proximity of a phrase with a wildcard",
        '"mark* sales" w/4 "earn?d"',
        Near(Phrase((Pattern("mark*"), "sales")), Phrase((Pattern("earn?d"),)), 4),
        found=["markets sales we earned", "earned on mark sales", "earn3d: marked sales"],
        others=[
            "market of sales earned",
            "sales market earned",
            "markets sales a b c d earned",
            "markets sales earnd",
            "markets sales #earned",
            "#markets sales earned",
        ],
    ),
    _case(
        "nested and with groups",
        '((sec OR stem:investigate) pre/3 (fine* OR "wells notice")) w/2 ($TSLA OR @tesla)',
        Near(
            Near(
                Or((Term("sec"), Stemmed("investigate"))),
                Or((Wildcard(Pattern("fine*")), Phrase(("wells", "notice")))),
                3,
                ordered=True,
            ),
            Or((Term("$tsla"), Term("@tesla"))),
            2,
        ),
        found=[
            "SEC sends a Wells notice: $TSLA",
            "@Tesla #SEC fined",
            "investigating, fines, and $tsla",
            "sec $TSLA fine",
        ],
        others=[
            "Wells notice from the SEC: $TSLA",
            "sec fine tesla",
            "sec fine a b $TSLA",
            "sec wells $TSLA notice",
            "sec a b c fine $TSLA",
        ],
    ),
    _case(
        "emoji sequences",
        "👍🏽 OR 👩‍👩‍👧 OR 🇩🇪 OR ❤",
        Or((Term("👍🏽"), Term("👩‍👩‍👧"), Term("🇩🇪"), Term("❤"))),
        found=["ok👍🏽!", "👩‍👩‍👧👩", "🇫🇷🇩🇪", "❤️", "so❤so", "👍👍🏽"],
        others=["👍", "👍🏿", "👩👩👧", "👩‍👩", "🇩 🇪", "🇪🇩", "🇫🇷🇫🇷", "❤️‍🔥", "💙"],
    ),
    _case(
        "right-to-left",
        '"العقد الجديد" OR חוזה',
        Or((Phrase(("العقد", "الجديد")), Term("חוזה"))),
        found=[
            "وقع العقد الجديد اليوم",
            "\u200fالعقد\u200f \u200eالجديد\u200e!",
            "(חוזה)",
            "#חוזה",
            "CEO אמר: חוזה.",
        ],
        others=["الجديد العقد", "العقد", "החוזה", "הזוח", "العقدالجديد"],
    ),
    _case(
        "Japanese voiced kana",
        "がん",
        Or((Phrase(("が", "ん")), Term("#がん"))),
        found=["がんの薬", "か\u3099ん", "#がん", "ガん がん", "最近がんが"],
        others=["かん", "ガン", "ｶﾞﾝ", "んが", "が、かん", "が ハん"],
    ),
    _case(
        "half-width kana",
        "ガス",
        Or((Phrase(("ガ", "ス")), Term("#ガス"))),
        found=["ガス会社", "ｶﾞｽ", "カ\u3099ス"],
        others=["カス", "がす", "ガ・ズ", "ｶｽ"],
    ),
    _case(
        "Thai",
        "ภาษี",
        Or((Phrase(("ภ", "า", "ษี")), Term("#ภาษี"))),
        found=["จ่ายภาษีแล้ว", "ภาษี", "#ภาษี", "ภาษี 7%"],
        others=["ภาษา", "ภาษ", "ษีภา", "ภา ษา", "ภาษื"],
    ),
    _case(
        "combining marks",
        "résumé OR हिन्दी OR ё",
        Or((Term("resume"), Term("हिन्दी"), Term("е"))),
        found=[
            "re\u0301sume\u0301",
            "RÉSUMÉ",
            "resume",
            "r\u0300esu\u0301\u0302me",
            "हिन्दी",
            "ё е\u0308",
            "Е",
        ],
        others=["resumes", "हिन्द", "हन्दी", "हिनदी", "ё\u0436", "e"],
    ),
    _case(
        "an OR of 50,000 terms",
        " OR ".join(_MANY_TERMS),
        Or(tuple(map(Term, _MANY_TERMS))),
        found=["term00000", "the #Term49999", "of term25000's", "x term31415, y"],
        others=["term50000", "term0000", "term", "term00000x", "@term00001", "terms"],
    ),
)
