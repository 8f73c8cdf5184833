"""Random nested query trees over random posts, and the smallest form of one that fails.

Every node of `search.query` is drawn but `Held`, which no index answers. Leaves are made of the
words of a real post, so that most trees find some posts and not all; the posts mix scripts, emoji,
addresses, repeated words and forms of one English word.
"""

import random
from collections.abc import Iterator

from search.document import Document, document
from search.index import Hit, Order, Snapshot
from search.matcher import prepared
from search.normal_form import normalise
from search.patterns import Pattern
from search.query import (
    And,
    DateName,
    DateRange,
    Everything,
    Field,
    FieldName,
    Fuzzy,
    LogRange,
    Near,
    Not,
    Numbers,
    Or,
    Phrase,
    Places,
    Query,
    Stemmed,
    Term,
    Wildcard,
    Words,
    is_words,
    place,
)

POSTS = 600

WORDS = [
    *("a", "b", "c", "fraud", "earnings", "quarterly", "Boeing's", "don't", "U.S.", "3.5"),
    *("report", "reported", "reporting", "reports", "earning", "earned", "frauds", "dying"),
    *("COVID-19", "naïve", "Straße", "#earnings", "#fraud", "#東京", "@RepJacobs", "$TSLA"),
    *("@a.bsky.social", "jo@example.com", "https://t.co/a", "https://t.co/b", "www.x.org"),
    *("🎉", "👍🏽", "👍", "👩‍👩‍👧", "🇺🇸", "東京", "大阪", "がんばれ", "かんばれ", "삼성은", "สวัสดี"),
    *("हिन्दी", "العربية", "עברית", "Ёлка", "10:30", "1,000", "ﬁnance", "q̃x", "C++", "a+b"),
]
_WORDLESS = ["", "…", "\u200b"]
_WEIGHTS = [1 / (rank + 1) for rank in range(len(WORDS))]
_HASHES = ["ab" * 32, "cd" * 32, "0f" * 32]


def random_posts(rng: random.Random, posts: int = POSTS) -> list[Document]:
    """Return posts with ascending numbers, and gaps between those."""
    return [random_post(rng, number * rng.choice([1, 2, 3])) for number in range(0, posts * 7, 7)]


def random_post(rng: random.Random, number: int) -> Document:
    """Return one post: a few words are common, most are rare; half of the times are shared."""
    return document(
        number=number,
        text=" ".join(rng.choices(WORDS, _WEIGHTS, k=rng.randrange(14))) or rng.choice(_WORDLESS),
        platform=rng.choice(["x", "Mastodon", "bluesky", ""]),
        account=rng.choice(["Acme Corp", "acme", "État"]),
        author_handle=rng.choice(["@RepJacobs", "repjacobs", "jo", ""]),
        kind=rng.choice(["post", "reply"]),
        change=rng.choice(["created", "edited", "deleted"]),
        lang=rng.choice(["en", "ja", ""]),
        class_code=rng.choice(["GEN-01", "GEN-02"]),
        tags=rng.sample(["q3", "#Q4", "two words"], k=rng.randrange(3)),
        is_reply=rng.random() < 0.3,
        has_media=rng.random() < 0.3,
        hashes=rng.sample(_HASHES, k=rng.randrange(3)),
        posted_at=rng.choice([None, 0, 500, rng.randrange(-1_000, 1_000)]),
        captured_at=rng.randrange(1_000),
    )


def random_tree(rng: random.Random, posts: list[Document], depth: int) -> Query:
    """Return a tree of up to `depth` levels of AND, OR and NOT above its leaves."""
    if depth == 0 or rng.random() < 0.2:
        return random_leaf(rng, rng.choice(posts))
    parts = rng.choice([2, 2, 3])
    match rng.randrange(3):
        case 0:
            return Not(random_tree(rng, posts, depth - 1))
        case 1:
            return And(tuple(random_tree(rng, posts, depth - 1) for _ in range(parts)))
        case _:
            return Or(tuple(random_tree(rng, posts, depth - 1) for _ in range(parts)))


def random_leaf(rng: random.Random, post: Document) -> Query:
    """Return a leaf that finds `post` more often than not."""
    tokens = post.text.split() or ["absent"]
    match rng.randrange(10):
        case 0 | 1:
            return _word(rng, tokens)
        case 2:
            return _phrase(rng, tokens)
        case 3 | 4 | 5:
            return _near(rng, tokens, rng.choice([1, 1, 1, 2, 2, 3]))
        case 6 | 7:
            return _field(rng, post)
        case 8:
            name = rng.choice(list(DateName))
            low, high = sorted(rng.choices([post.time, 0, 499, 500, 501, -999], k=2))
            ranges = [(low, None), (None, high), (low, high)]
            return DateRange(name, *rng.choice(ranges))
        case _:
            return _ours(rng, post)


def _word(rng: random.Random, tokens: list[str]) -> Term | Wildcard | Fuzzy | Stemmed:
    token = rng.choice(tokens)
    plain = token.removeprefix("#").removesuffix("'s")
    match rng.randrange(6):
        case 0 | 1:
            return Term(plain)
        case 2 | 3:
            return Wildcard(_pattern(rng, rng.choice([token, plain])))
        case 4:
            return Fuzzy(_edited(rng, plain))
        case _:
            return Stemmed(plain)


def _pattern(rng: random.Random, token: str) -> Pattern:
    """Return a pattern that `token` fits, mostly."""
    at = rng.randrange(len(token))
    rest = rng.randrange(at, len(token))
    texts = [
        f"{token[: at + 1]}*",
        f"*{token[at:]}",
        f"*{token[at : rest + 1]}*",
        f"{token[:at]}?{token[at + 1 :]}",
        f"{token[:at]}*{token[rest:]}",
        f"{token}?",
        f"*{token[at]}{'?' * rng.randrange(12)}",
    ]
    text = rng.choice(texts)
    return Pattern(text if text.strip("*?") else f"{token}*")


def _edited(rng: random.Random, token: str) -> str:
    at = rng.randrange(len(token))
    before, after = token[:at], token[at + 1 :]
    texts = [
        token,
        f"{before}{after}",
        f"{before}x{after}",
        f"{before}{token[at]}x{after}",
        f"{before}{after[:1]}{token[at]}{after[1:]}",
    ]
    return rng.choice(texts) or token


def _phrase(rng: random.Random, tokens: list[str]) -> Phrase:
    start = rng.randrange(len(tokens))
    chosen: list[str | Pattern] = list(tokens[start : start + rng.randrange(1, 5)])
    if rng.random() < 0.2:
        rng.shuffle(chosen)
    if rng.random() < 0.5:
        at = rng.randrange(len(chosen))
        chosen[at] = _pattern(rng, str(chosen[at]))
    return Phrase(tuple(chosen))


def _near(rng: random.Random, tokens: list[str], depth: int) -> Near:
    sides = [_side(rng, tokens, depth) for _ in "ab"]
    distance = rng.choice([1, 2, 3, 5, rng.randrange(1, 12), 1_000])
    return Near(sides[0], sides[1], distance, ordered=rng.random() < 0.4)


def _side(rng: random.Random, tokens: list[str], depth: int) -> Words:
    draw = rng.random()
    if depth > 1 and draw < 0.5:
        return _near(rng, tokens, min(depth - 1, 2))  # eight operands at most
    if draw < 0.65:
        return _word(rng, tokens)
    if draw < 0.8:
        return _phrase(rng, tokens)
    if draw < 0.9:
        return Term(rng.choice(tokens))
    return Or(tuple(_side(rng, tokens, depth - 1) for _ in range(rng.choice([2, 3]))))


def _field(rng: random.Random, post: Document) -> Query:
    return rng.choice(
        [
            Field(FieldName.PLATFORM, post.platform or "x"),
            Field(FieldName.ACCOUNT, post.account),
            Field(FieldName.FROM, post.author or "jo"),
            Field(FieldName.KIND, post.kind),
            Field(FieldName.CHANGE, rng.choice([post.change, "reply"])),
            Field(FieldName.LANG, post.lang or "en"),
            Field(FieldName.CLASS, post.class_code),
            Field(FieldName.TAG, post.tags[0] if post.tags else "q3"),
            Field(FieldName.HAS, rng.choice(["media", "link", "text"])),
            Field(FieldName.HASH, rng.choice(_HASHES)),
        ]
    )


def _ours(rng: random.Random, post: Document) -> Query:
    few = [post.number, post.number + 7, *rng.sample(range(21 * POSTS), 20)]
    trees: list[Query] = [
        Everything(),
        Places(frozenset({post.place, place("x", "acme")})),
        Places(frozenset()),
        LogRange(post.number, post.number + rng.choice([1, 500, 5_000])),
        Numbers(frozenset(few)),
        Numbers(frozenset(range(post.number % 5, 8 * POSTS, 5))),
        Numbers(frozenset(range(post.number % 7, 21 * POSTS, 2))),
    ]
    return rng.choice(trees)


def difference(snapshot: Snapshot, posts: list[Document], tree: Query) -> str:
    """Return what an engine says of a tree otherwise than the matcher; empty: nothing."""
    finds = prepared(tree)
    expected = [post for post in posts if finds(post)]
    numbers = [post.number for post in expected]
    found = [number for chunk in snapshot.numbers(tree, chunk=100) for number in chunk]
    if found != numbers:
        missing, extra = set(numbers) - set(found), set(found) - set(numbers)
        return f"missing {sorted(missing)[:5]}, too many {sorted(extra)[:5]}"
    if (count := snapshot.count(tree)) != len(numbers):
        return f"counted {count}, not {len(numbers)}"
    oldest = sorted((Hit(p.number, p.time) for p in expected), key=lambda hit: (hit[1], hit[0]))
    if snapshot.page(tree, limit=20) != oldest[::-1][:20]:
        return "another newest page"
    if snapshot.page(tree, limit=20, order=Order.OLDEST) != oldest[:20]:
        return "another oldest page"
    return ""


def smallest_difference(snapshot: Snapshot, posts: list[Document], tree: Query) -> str:
    """Return the simplest form of a tree that shows a difference, and it; empty: none."""
    found = difference(snapshot, posts, tree)
    while found:
        simpler = ((each, difference(snapshot, posts, each)) for each in _simpler(tree))
        smaller, told = next((pair for pair in simpler if pair[1]), (tree, ""))
        if not told:
            return f"{_told(tree)}: {found}"
        tree, found = smaller, told
    return ""


def _told(tree: Query) -> str:
    """Return a tree in its normal form, or as it is written in Python where no text can say it."""
    try:
        return normalise(tree)
    except ValueError:
        return repr(tree)


def _simpler(tree: Query) -> Iterator[Query]:  # noqa: C901, PLR0912 - one case per node
    match tree:
        case Not(part):
            yield part
            yield from map(Not, _simpler(part))
        case And(parts) | Or(parts):
            yield from parts
            for number in range(len(parts)) if len(parts) > 2 else ():
                yield type(tree)(parts[:number] + parts[number + 1 :])
            for number, part in enumerate(parts):
                for each in _simpler(part):
                    yield type(tree)((*parts[:number], each, *parts[number + 1 :]))
        case Near(left, right, distance, ordered):
            yield from (left, right)
            yield from (Near(side, right, distance, ordered) for side in _simpler_words(left))
            yield from (Near(left, side, distance, ordered) for side in _simpler_words(right))
            if distance > 1:
                yield Near(left, right, distance // 2, ordered)
        case Phrase(tokens) if len(tokens) > 1:
            yield from (Phrase((token,)) for token in tokens)
            yield from (Phrase(tokens[:n] + tokens[n + 1 :]) for n in range(len(tokens)))
        case Wildcard(pattern):
            yield Phrase((pattern,))
        case Fuzzy(token) | Stemmed(token):
            yield Term(token)
        case Term(token):
            yield Phrase((token,))
        case Numbers(numbers) if len(numbers) > 1:
            ordered_numbers = sorted(numbers)
            half = len(ordered_numbers) // 2
            yield Numbers(frozenset(ordered_numbers[:half]))
            yield Numbers(frozenset(ordered_numbers[half:]))


def _simpler_words(words: Words) -> Iterator[Words]:
    return (each for each in _simpler(words) if is_words(each))
