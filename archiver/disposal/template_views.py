"""The shipped retention templates for lists: what they ask for, and what is unconfirmed."""

from collections.abc import Mapping
from typing import Any

from retention.templates import Template, shipped_templates


def template_documents() -> tuple[Mapping[str, Any], ...]:
    """Return every shipped template for JSON, in the order of their families."""
    return tuple(map(_document, shipped_templates()))


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
