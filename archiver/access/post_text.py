"""What a post says, for lists of posts: enough to judge it by, without a page of its own."""

from dataclasses import dataclass

from archiver.errors import IntegrityError, NotFound
from archiver.preserve.reader import OpenedRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PostText:
    """One post of a list. `integrity` says what is wrong with its stored bytes, or is empty.

    `media` counts its files.
    """

    author: str
    text: str
    lang: str
    media: int
    integrity: str = ""


def post_text(found: OpenedRecord | IntegrityError | NotFound) -> PostText:
    """Return what an opened record says; of one that does not verify, what is wrong with it."""
    if not isinstance(found, OpenedRecord) or found.manifest.post is None:
        return PostText(author="", text="", lang="", media=0, integrity=str(found))
    post = found.manifest.post
    return PostText(
        author=post.author.name or post.author.handle,
        text=post.text,
        lang=post.lang,
        media=len(found.manifest.parts) - 1,
    )
