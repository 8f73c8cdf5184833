"""What a query is understood as, without searching: in which language, how, with which remarks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from archiver.errors import InvalidInput
from archiver.legal.queries import read_query
from search import dtsearch, kql, vault
from search.errors import QueryError
from search.linting import Finding, lint
from search.normal_form import normalise
from search.query import Query
from search.translation import Note, Translated
from search.wording import Line, in_words


class Syntax(StrEnum):
    """The languages a query may be written in."""

    MUNIMENT = "muniment"
    DTSEARCH = "dtsearch"
    KQL = "kql"
    VAULT = "vault"


_TRANSLATORS: Mapping[Syntax, Callable[..., Translated]] = {
    Syntax.DTSEARCH: dtsearch.translate,
    Syntax.KQL: kql.translate,
    Syntax.VAULT: vault.translate,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A query as it is understood.

    `normalised` reads the same in any time zone and language setting; `notes` are what its
    translation changed, by the place in `text`; `findings` are the linter's.
    """

    text: str
    syntax: Syntax
    tree: Query
    normalised: str
    notes: tuple[Note, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def words(self) -> tuple[Line, ...]:
        """The query in words, part by part."""
        return in_words(self.tree)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "query": self.text,
            "syntax": self.syntax.value,
            "normalised": self.normalised,
            "words": [{"depth": line.depth, "text": line.text} for line in self.words],
            "notes": [
                {"message": note.message, "position": note.position, "end": note.end}
                for note in self.notes
            ],
            "findings": [finding_of(each) for each in self.findings],
        }


def understand(
    text: str,
    zone: tzinfo,
    *,
    syntax: Syntax = Syntax.MUNIMENT,
    stem: bool = False,
    report: bool = False,
) -> Understood:
    """Return what a query is understood as; its days are days in `zone`.

    With `stem` each plain word without quotes finds its other English forms; with `report` it is
    looked at as a term of a search term report.

    Raises:
        InvalidInput: it cannot be read, or a language's construct has no counterpart.
    """
    if syntax is Syntax.MUNIMENT:
        tree = read_query(text, zone, stem=stem)
        findings = lint(text, zone=zone, report=report)
        return Understood(
            text=text, syntax=syntax, tree=tree, normalised=normalise(tree), findings=findings
        )
    try:
        translated = _TRANSLATORS[syntax](text, zone=zone)
    except QueryError as error:
        raise InvalidInput(str(error), pointer="query") from error
    tree = read_query(translated.text, zone, stem=stem)
    return Understood(
        text=text, syntax=syntax, tree=tree, normalised=normalise(tree), notes=translated.notes
    )


def syntax_of(name: str) -> Syntax:
    """Return a syntax by its name. Raises InvalidInput."""
    for syntax in Syntax:
        if name == syntax.value:
            return syntax
    expected = ", ".join(Syntax)
    raise InvalidInput(f"expected a syntax of {expected}, found {name[:40]!r}", pointer="syntax")


def zone_of(name: str, usual: tzinfo) -> tzinfo:
    """Return a time zone by its IANA name, `usual` where none is named. Raises InvalidInput."""
    if not name:
        return usual
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidInput(
            f"expected a time zone such as Europe/Paris, found {name[:60]!r}", pointer="zone"
        ) from error


def fault_of(error: InvalidInput) -> QueryError | None:
    """Return where and what the fault of a query is; None where the error is of something else."""
    return error.__cause__ if isinstance(error.__cause__, QueryError) else None


def finding_of(finding: Finding) -> dict[str, object]:
    """Return the JSON form of a finding."""
    return {
        "rule": finding.rule.value,
        "severity": finding.severity.value,
        "message": finding.message,
        "position": finding.position,
        "end": finding.end,
        "suggestions": list(finding.suggestions),
    }
