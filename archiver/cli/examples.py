"""One example for each command whose usage line alone does not show how it is written.

`--help` ends with it. An option that takes several words stands behind what has no name, since it
would take that too (`user add EMAIL --role ROLE ROLE`, never the other way round).
"""

from collections.abc import Mapping

_ID = "01M802DMSES14RHYY1BKSFE0JC"

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "import": (
        "posts.ndjson",
        "posts.csv --platform x --account @acme --map post_id=id posted_at=day text=said",
    ),
    "account add": ("x @acme --title 'Acme news' --custodian 'Ann Lee' --unit Press",),
    "account close": (f"{_ID} --reason 'sold' --on 2026-03-31",),
    "search": (
        "'merger w/5 (earnings OR results) AND after:2026-01-01'",
        "'from:acme' --freeze 'Acme until today'",
        "-- '-fee'",
    ),
    "terms report": (f"terms.txt --set {_ID} --out report.xlsx",),
    "saved subscribe": (f"{_ID} --webhook https://example.com/hook --pace hourly",),
    "record why": (_ID,),
    "class add": ("press --template us-finra-2210-public",),
    "class reclassify": (f"press --reason 'statements of the press office' --record {_ID}",),
    "schedule draft": ("press --template house-7y --reason 'the board of 3 March'",),
    "schedule submit": (f"{_ID} --in-force-from 2027-01-01T00:00:00Z",),
    "schedule approve": (f"{_ID} --reason 'as the board said' --person ann@example.com",),
    "event add": ("account_closed --on 2026-03-31 --account x @acme --note 'letter of 2 April'",),
    "event import": ("events.csv",),
    "disposition form": ("--class press",),
    "disposition exclude": (f"{_ID} {_ID} --reason 'still asked for' --until 2027-06-30",),
    "disposition approve": (f"{_ID} --records 128 --reason reviewed --person ann@example.com",),
    "privacy request": ("erasure --person 'A. Person' --reference LETTER-7 --on 2026-03-31",),
    "privacy find": (f"{_ID} --query 'from:aperson'",),
    "privacy decide": (f"{_ID} refuse --all --ground legal-claims --reason 'the suit goes on'",),
    "hold place": (
        "--name 'Smith v. Acme' --matter M-7 --reason 'complaint of 3 March' --query 'smith'",
        "--name 'Smith v. Acme' --reason 'complaint of 3 March' --account @acme --dry-run",
    ),
    "verify": ("--sample 5", "--full --from s3://bucket/archive --policy policy.txt"),
    "evidence": (f"{_ID} --out bundle.zip", "verify bundle.zip"),
    "user add": ("ann@example.com --name 'Ann Lee' --role counsel reviewer",),
    "user grant": ("ann@example.com --role records-manager --unit Press",),
    "token create": ("website --days 30 --role capture-agent",),
    "witness init": ("--state ./witness --name witness.example.com/auditor",),
}
"""Command, and action where it has some → what to write behind it."""


def told(command: str) -> str:
    """Return the end of a command's help: its examples, or nothing."""
    lines = [f"  muniment {command} {example}" for example in EXAMPLES.get(command, ())]
    return "\n".join(["examples:", *lines] if lines else [])
