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
    return stand_alone("certificate.html", name=view.name, **certificate_parts(view))


def certificate_parts(view: CertificateView) -> dict[str, Any]:
    """Return what a certificate says as templates take it: log entries with what they say."""
    document = json.loads(view.row.body)
    body = document["certificate"]
    return {
        "body": body,
        "records": [_record(each) for each in body["records"]],
        "disposals": [_record(each) for each in body["disposals"]],
        "seal": document["seal"],
        "digest": sha256(view.row.body.encode()).hexdigest(),
    }


def _record(each: dict[str, Any]) -> dict[str, Any]:
    """Return a log entry with what it says."""
    return {**each, "said": json.loads(each["entry"])}
