"""A certificate of destruction as a page to be printed: one file, no script, nothing to fetch.

The page is a view. What is signed is the JSON document, whose SHA-256 the page names.
"""

import json
from hashlib import sha256
from typing import Any

from archiver.disposal.certificates import CertificateView
from archiver.web.pages.rendering import stand_alone


def certificate_page(view: CertificateView) -> str:
    """Return the HTML document of a certificate."""
    document = json.loads(view.row.body)
    body = document["certificate"]
    return stand_alone(
        "certificate.html",
        body=body,
        records=[_record(each) for each in body["records"]],
        disposals=[_record(each) for each in body["disposals"]],
        seal=document["seal"],
        digest=sha256(view.row.body.encode()).hexdigest(),
        name=view.name,
    )


def _record(each: dict[str, Any]) -> dict[str, Any]:
    """Return a log entry with what it says."""
    return {**each, "said": json.loads(each["entry"])}
