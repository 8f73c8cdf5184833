"""The shipped retention templates: minimum periods with their citations, and their loader.

The texts are `templates/*.toml`, one file per family of rules; what a row means is described in
`templates/README.md`. A template becomes a schedule when an archive adopts it and states what only
it can know: the time zone it counts in, the month its fiscal year starts, the period it has set.
Nothing here is legal advice.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from retention.documents import Document, present
from retention.errors import DefinitionError, TemplateNotFoundError
from retention.periods import (
    NO_CUTOFF,
    Cutoff,
    CutoffKind,
    Period,
    Permanent,
    parse_length,
)
from retention.schedules import (
    Action,
    FileClass,
    LockMode,
    Mark,
    Schedule,
    Term,
    Trigger,
)

DEFAULT_CLASS = "default"
"""Code of the class for records no rule names: kept seven years, then reviewed."""

AUDIT_CLASS = "muniment-audit"
"""Code of the class of the archive's own events."""

_STATED = "stated on adoption"
"""Written as the period of a term whose rule leaves the length to the adopter."""

_SAMPLE_ZONE = "UTC"
_SAMPLE_PERIOD = Period(years=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermTemplate:
    """A term before adoption. `period` is None where the adopter must state it."""

    trigger: Trigger
    period: Period | Permanent | None
    cutoff: CutoffKind
    citation: str
    mark: Mark
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A class of some rule with the terms that rule asks for.

    `id` is the template's, `code` the class code it proposes. `family` is the file it comes from.
    """

    id: str
    family: str
    code: str
    title: str
    jurisdiction: str
    authority: str
    action: Action
    lock: LockMode
    terms: tuple[TermTemplate, ...]
    note: str

    @property
    def mark(self) -> Mark:
        """To be confirmed by counsel when any term is."""
        marks = {term.mark for term in self.terms}
        return Mark.TO_BE_CONFIRMED if Mark.TO_BE_CONFIRMED in marks else Mark.CONFIRMED

    @property
    def needs_fiscal_year(self) -> bool:
        """Whether `schedule` needs the month the adopter's fiscal year starts in."""
        return any(term.cutoff is CutoffKind.FISCAL_YEAR for term in self.terms)

    @property
    def needs_period(self) -> bool:
        """Whether `schedule` needs a period the adopter has set."""
        return any(term.period is None for term in self.terms)

    def file_class(self) -> FileClass:
        """Return the class this template describes."""
        return FileClass(
            code=self.code,
            title=self.title,
            authority=self.authority,
            jurisdiction=self.jurisdiction,
            note=self.note,
        )

    def schedule(
        self,
        *,
        version: int,
        zone: str,
        fiscal_year_starts: int | None = None,
        period: Period | None = None,
    ) -> Schedule:
        """Return the schedule an archive adopts.

        `zone` is the IANA time zone the records are counted in; `fiscal_year_starts` is a month
        from 1 to 12, `period` what the adopter has set: each is given exactly where the template
        needs it.

        Raises:
            DefinitionError: one is missing, not wanted, or malformed.
        """
        problems = [
            f"template {self.id}: {'needs' if needed else 'has no place for'} {what}"
            for needed, given, what in (
                (self.needs_fiscal_year, fiscal_year_starts is not None, "fiscal_year_starts"),
                (self.needs_period, period is not None, "period"),
            )
            if needed != given
        ]
        if problems:
            raise DefinitionError(*problems)
        return Schedule(
            class_code=self.code,
            version=version,
            terms=tuple(_adopted(term, fiscal_year_starts, period) for term in self.terms),
            action=self.action,
            lock=self.lock,
            zone=zone,
        )


@cache
def shipped_templates() -> tuple[Template, ...]:
    """Return every shipped template, in the order of the files and of the rows in them."""
    folder = files("retention").joinpath("templates")
    return load_templates(
        {
            entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
            for entry in folder.iterdir()
            if entry.name.endswith(".toml")
        }
    )


def get_template(template_id: str) -> Template:
    """Return the shipped template with this id.

    Raises:
        TemplateNotFoundError: there is none.
    """
    for template in shipped_templates():
        if template.id == template_id:
            return template
    known = ", ".join(template.id for template in shipped_templates())
    raise TemplateNotFoundError(f"expected a shipped template, found {template_id!r}; have {known}")


def load_templates(texts: Mapping[str, str]) -> tuple[Template, ...]:
    """Return the templates written in TOML `texts`, keyed by family.

    Raises:
        DefinitionError: `problems` lists everything that is wrong in any of them.
    """
    problems: list[str] = []
    templates: list[Template] = []
    for family, text in sorted(texts.items()):
        try:
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            problems.append(f"{family}: expected TOML, found {error}")
            continue
        document = Document(table, path=family, problems=problems)
        read = present(_read_template(each, family) for each in document.tables("template"))
        document.build(tuple)
        templates.extend(read)
    problems.extend(_repeated("template id", [template.id for template in templates]))
    problems.extend(_repeated("class code", [template.code for template in templates]))
    if problems:
        raise DefinitionError(*problems)
    return tuple(templates)


def _read_template(document: Document, family: str) -> Template | None:
    template_id = document.text("id")
    terms = document.tables("terms")
    template = document.build(
        Template,
        id=template_id,
        family=family,
        code=document.text("code", default=template_id),
        title=document.text("title"),
        jurisdiction=document.text("jurisdiction"),
        authority=document.text("authority"),
        action=document.choice("action", Action),
        lock=document.choice("lock", LockMode),
        terms=tuple(term for each in terms for term in _read_terms(each)),
        note=document.text("note", default=""),
    )
    if template is None:
        return None
    # Adopting it once with samples runs every check of FileClass, Term and Schedule.
    return document.build(_adoptable, template)


def _read_terms(document: Document) -> tuple[TermTemplate, ...]:
    terms = document.build(
        _one_for_each,
        _read_triggers(document),
        period=document.parsed("period", _parse_period),
        cutoff=_read_cutoff(document),
        citation=document.text("citation"),
        mark=document.choice("mark", Mark),
        note=document.text("note", default=""),
    )
    return terms or ()


def _one_for_each(
    triggers: tuple[Trigger, ...],
    *,
    period: Period | Permanent | None,
    cutoff: CutoffKind,
    citation: str,
    mark: Mark,
    note: str,
) -> tuple[TermTemplate, ...]:
    """Return one term for each trigger: rows often count from posting and from capture."""
    return tuple(
        TermTemplate(
            trigger=trigger, period=period, cutoff=cutoff, citation=citation, mark=mark, note=note
        )
        for trigger in triggers
    )


def _read_triggers(document: Document) -> tuple[Trigger, ...]:
    triggers = []
    for text in document.texts("triggers"):
        try:
            triggers.append(Trigger.parse(text))
        except DefinitionError as error:
            document.note("triggers", error)
    return tuple(triggers)


def _read_cutoff(document: Document) -> CutoffKind:
    return document.choice("cutoff", CutoffKind) if document.has("cutoff") else CutoffKind.NONE


def _parse_period(text: str) -> Period | Permanent | None:
    return None if text == _STATED else parse_length(text)


def _adopted(term: TermTemplate, first_month: int | None, period: Period | None) -> Term:
    cutoff = NO_CUTOFF
    if term.cutoff is not CutoffKind.NONE:
        fiscal = term.cutoff is CutoffKind.FISCAL_YEAR
        cutoff = Cutoff(kind=term.cutoff, first_month=(first_month or 0) if fiscal else 1)
    length = term.period if term.period is not None else period
    if length is None:
        raise DefinitionError(f"expected a period for the term {term.trigger}, found none")
    return Term(
        id=term.trigger.event or str(term.trigger),
        citation=term.citation,
        trigger=term.trigger,
        period=length,
        cutoff=cutoff,
        mark=term.mark,
        note=term.note,
    )


def _adoptable(template: Template) -> Template:
    template.file_class()
    template.schedule(
        version=1,
        zone=_SAMPLE_ZONE,
        fiscal_year_starts=1 if template.needs_fiscal_year else None,
        period=_SAMPLE_PERIOD if template.needs_period else None,
    )
    return template


def _repeated(what: str, names: list[str]) -> list[str]:
    return [
        f"expected every template to have a {what} of its own, found {name!r} more than once"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
