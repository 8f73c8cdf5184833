"""The shipped retention templates: for lists and forms, with what is unconfirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver.disposal.schedule_words import ACTIONS, LOCKS, period_words, trigger_words
from retention.periods import CutoffKind
from retention.schedules import Mark
from retention.templates import Template, TermTemplate, shipped_templates


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTerm:
    """A term of a template in words: how long, counted from what, and on whose rule."""

    length: str
    counted: str
    citation: str
    to_be_confirmed: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateView:
    """A shipped template in words. `family` is the group of rules that it stands in."""

    template: Template
    terms: tuple[TemplateTerm, ...]
    action: str
    lock: str

    @property
    def to_be_confirmed(self) -> bool:
        """Whether counsel has to confirm any of it."""
        return self.template.mark is Mark.TO_BE_CONFIRMED


def template_views() -> tuple[TemplateView, ...]:
    """Return every shipped template in words, in the order of their families."""
    return tuple(map(_view, shipped_templates()))


def template_documents() -> tuple[Mapping[str, Any], ...]:
    """Return every shipped template for JSON, in the order of their families."""
    return tuple(map(_document, shipped_templates()))


def _view(template: Template) -> TemplateView:
    return TemplateView(
        template=template,
        terms=tuple(map(_term, template.terms)),
        action=ACTIONS[template.action],
        lock=LOCKS[template.lock],
    )


def _term(term: TermTemplate) -> TemplateTerm:
    cutoff = ""
    if term.cutoff is not CutoffKind.NONE:
        cutoff = f", from the end of the {term.cutoff.replace('-', ' ')}"
    return TemplateTerm(
        length="as long as you state" if term.period is None else period_words(term.period),
        counted=f"after {trigger_words(term.trigger)}{cutoff}",
        citation=term.citation,
        to_be_confirmed=term.mark is Mark.TO_BE_CONFIRMED,
        note=term.note,
    )


def _document(template: Template) -> Mapping[str, Any]:
    return {
        "id": template.id,
        "family": template.family,
        "class_code": template.code,
        "title": template.title,
        "jurisdiction": template.jurisdiction,
        "authority": template.authority,
        "action": str(template.action),
        "lock": str(template.lock),
        "mark": str(template.mark),
        "needs_fiscal_year": template.needs_fiscal_year,
        "needs_period": template.needs_period,
        "note": template.note,
        "terms": [
            {
                "trigger": str(term.trigger),
                "period": "stated on adoption" if term.period is None else str(term.period),
                "cutoff": str(term.cutoff),
                "citation": term.citation,
                "mark": str(term.mark),
                "note": term.note,
            }
            for term in template.terms
        ],
    }
