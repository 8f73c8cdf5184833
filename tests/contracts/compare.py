"""Compares an engine with the matcher over thousands of random trees, and prints the totals.

`python -m tests.contracts.compare tantivy --trees 3000 [--seed N] [--depth 4]`; ends with 1 where
there is a difference, after it has printed the smallest tree that shows it.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import fields, is_dataclass
from pathlib import Path
from time import process_time

from search.document import Document
from search.index import Index
from search.query import Query
from tests.contracts.engines import ENGINES
from tests.contracts.query_trees import (
    random_post,
    random_posts,
    random_tree,
    smallest_difference,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("engine", choices=sorted(ENGINES))
    parser.add_argument("--trees", type=int, default=3_000)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(ENGINES[asked.engine](Path(folder) / "index")) as index,
    ):
        totals = compare(index, asked.trees, asked.seed, asked.depth)
    print(json.dumps({"engine": asked.engine, **totals}, ensure_ascii=False))
    return 1 if totals["differences"] else 0


def compare(index: Index, trees: int, seed: int, depth: int) -> dict[str, object]:
    """Return how many trees were tried, and those, made small, that an engine answers otherwise.

    There are new posts for every 500 trees.
    """
    rng, started = random.Random(seed), process_time()
    nodes: Counter[str] = Counter()
    differences: list[str] = []
    some = 0
    for first in range(0, trees, 500):
        index.reset()
        posts = fill(index, rng)
        with index.snapshot() as snapshot:
            for _ in range(min(500, trees - first)):
                tree = random_tree(rng, posts, rng.randrange(depth + 1))
                nodes.update(_names(tree))
                if failure := smallest_difference(snapshot, posts, tree):
                    differences.append(failure)
                    print(failure, file=sys.stderr)
                some += 0 < snapshot.count(tree) < len(posts)
    return {
        "trees": trees,
        "seed": seed,
        "differences": differences,
        "trees_that_find_some_and_not_all": some,
        "nodes": dict(nodes.most_common()),
        "cpu_seconds": round(process_time() - started, 1),
    }


def fill(index: Index, rng: random.Random) -> list[Document]:
    """Index in several commits with replays and deletions, and return what must be there."""
    posts = {post.number: post for post in random_posts(rng)}
    listed = list(posts.values())
    for start in range(0, len(listed), 150):
        index.add(listed[start : start + 150])
        index.add(listed[start : start + 20])
        index.commit(start + 150)
    replaced = {number: random_post(rng, number) for number in rng.sample(sorted(posts), 40)}
    posts |= replaced
    index.add(list(replaced.values()))
    gone = rng.sample(sorted(posts), 40)
    index.delete(gone)
    index.commit(len(listed))
    return [post for number, post in sorted(posts.items()) if number not in gone]


def _names(tree: Query) -> list[str]:
    found = [type(tree).__name__]
    for each in fields(tree):
        value = getattr(tree, each.name)
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part) and not isinstance(part, type):
                found += _names(part)  # type: ignore[arg-type]  # a pattern has no parts
    return found


if __name__ == "__main__":
    sys.exit(main())
