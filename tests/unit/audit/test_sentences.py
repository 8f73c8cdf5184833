# ruff: noqa: E501 - a sentence stands in one line
"""Each action's sentence, word for word: what people read of the trail is decided here."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.audit.actions import Action
from archiver.audit.sentences import (
    TELLING,
    action_in_words,
    actor_in_words,
    details_in_words,
    read_details,
    sentence,
)
from archiver.model.actor import SYSTEM


class Told(NamedTuple):
    """An event, but for its actor, who is Carla."""

    object_type: str
    object_id: str
    result: str
    details: dict[str, str | int | bool]


SENTENCES: dict[Action, tuple[Told, str]] = {
    Action.ARCHIVE_CREATED: (
        Told(
            "archive", "A1", "ok", {"origin": "archive.example/acme", "store": "file:/data/store"}
        ),
        "carla created the archive archive.example/acme over the store file:/data/store.",
    ),
    Action.ARCHIVE_RECOVERED: (
        Told("archive", "A1", "ok", {"segments": 1, "records": 20}),
        "carla sequenced what a crash had left: 20 records in 1 segment.",
    ),
    Action.ARCHIVE_REBUILT: (
        Told("archive", "A1", "integrity", {"problems": 2}),
        "carla rebuilt the database from the store, with 2 problems found. Something was not as it was promised.",
    ),
    Action.RECORD_VIEWED: (
        Told("record", "R1", "ok", {"what": "part", "part": "film.mp4"}),
        "carla looked at record R1: the file film.mp4.",
    ),
    Action.APPROVALS_VIEWED: (
        Told("approval", "", "ok", {"listed": 3}),
        "carla looked at what waits for a second person.",
    ),
    Action.OBJECT_DRIFTED: (
        Told("object", "a.seg", "integrity", {"kind": "lock-short", "store": "first"}),
        "carla found object a.seg stored otherwise than promised. Something was not as it was promised.",
    ),
    Action.LOCKS_KEPT: (
        Told("archive", "A1", "ok", {"segments": 12}),
        "carla compared locks, holds and versions with what was promised.",
    ),
    Action.LOCKS_EXTENDED: (
        Told("archive", "A1", "ok", {"segments": 1, "objects": 4}),
        "carla extended the locks of objects.",
    ),
    Action.RECORD_REFUSED: (
        Told("record", "R1", "denied", {}),
        "carla asked for record R1, which they may not open.",
    ),
    Action.RECORD_EXPLAINED: (
        Told("record", "R1", "ok", {"state": "held"}),
        "carla asked why record R1 is kept; the answer was “held”.",
    ),
    Action.RECORD_VERIFIED: (
        Told("record", "R1", "integrity", {"checks": 4}),
        "carla verified record R1. Something was not as it was promised.",
    ),
    Action.SEARCH_RUN: (
        Told("query", "", "ok", {"query": "from:@acme", "count": 12}),
        "carla searched for “from:@acme” and found 12 records.",
    ),
    Action.SAVED_CREATED: (
        Told("saved-search", "Q1", "ok", {"name": "Fees", "normalised": "fees", "version": 1}),
        "carla saved the search “Fees” for “fees”.",
    ),
    Action.SAVED_CHANGED: (
        Told("saved-search", "Q1", "ok", {"name": "Fees", "normalised": "fee*", "version": 2}),
        "carla changed the saved search “Fees”: version 2 for “fee*”.",
    ),
    Action.SAVED_SHARED: (
        Told("saved-search", "Q1", "ok", {"name": "Fees", "shared_with": "unit:Treasury"}),
        "carla changed who shares the saved search “Fees”: with unit:Treasury.",
    ),
    Action.SAVED_ARCHIVED: (
        Told("saved-search", "Q1", "ok", {"name": "Fees"}),
        "carla archived the saved search “Fees”.",
    ),
    Action.SAVED_RESTORED: (
        Told("saved-search", "Q1", "ok", {"name": "Fees"}),
        "carla brought the saved search “Fees” back.",
    ),
    Action.SAVED_VIEWED: (
        Told("saved-search", "Q1", "ok", {"name": "Fees", "what": "its versions"}),
        "carla looked at the saved search “Fees”: its versions.",
    ),
    Action.SAVED_RUN: (
        Told("saved-search", "Q1", "ok", {"name": "Fees", "version": 3, "seen": 120}),
        "carla opened the hits of the saved search “Fees”, version 3.",
    ),
    Action.SUBSCRIPTION_CREATED: (
        Told(
            "subscription",
            "S1",
            "ok",
            {"name": "Fees", "channel": "mail", "target": "ada@example.com", "pace": "daily"},
        ),
        "carla subscribed to the saved search “Fees” by mail to ada@example.com, daily.",
    ),
    Action.SUBSCRIPTION_STOPPED: (
        Told(
            "subscription",
            "S1",
            "ok",
            {
                "name": "Fees",
                "channel": "webhook",
                "target": "https://a.example/in",
                "why": "it is gone",
            },
        ),
        "carla stopped the subscription to “Fees” by webhook to https://a.example/in, because it is gone.",
    ),
    Action.SUBSCRIPTION_RESUMED: (
        Told(
            "subscription",
            "S1",
            "ok",
            {"name": "Fees", "channel": "mail", "target": "ada@example.com"},
        ),
        "carla resumed the subscription to “Fees” by mail to ada@example.com.",
    ),
    Action.SUBSCRIPTION_ENDED: (
        Told(
            "subscription",
            "S1",
            "ok",
            {"name": "Fees", "channel": "mail", "target": "ada@example.com"},
        ),
        "carla ended the subscription to “Fees” by mail to ada@example.com.",
    ),
    Action.SUBSCRIPTION_TESTED: (
        Told(
            "subscription",
            "S1",
            "failed",
            {"name": "Fees", "target": "https://a.example/in", "problem": "it answered 500"},
        ),
        "carla tested the webhook of the subscription to “Fees” at https://a.example/in: it answered 500. It failed.",
    ),
    Action.DELIVERY_SENT: (
        Told(
            "subscription",
            "S1",
            "ok",
            {"name": "Fees", "channel": "mail", "target": "ada@example.com", "hits": 1},
        ),
        "carla told a subscriber of new hits of “Fees” by mail to ada@example.com: 1 hit.",
    ),
    Action.DELIVERY_ABANDONED: (
        Told(
            "subscription",
            "S1",
            "failed",
            {
                "name": "Fees",
                "channel": "webhook",
                "target": "https://a.example/in",
                "problem": "it answered 500",
            },
        ),
        "carla gave up telling a subscriber of new hits of “Fees” by webhook to https://a.example/in: it answered 500.",
    ),
    Action.DELIVERY_RETRIED: (
        Told(
            "subscription",
            "S1",
            "ok",
            {"name": "Fees", "channel": "mail", "target": "ada@example.com"},
        ),
        "carla had a delivery of the subscription to “Fees” tried again by mail to ada@example.com.",
    ),
    Action.IMPORT_FINISHED: (
        Told("import", "posts.csv", "ok", {"read": 3, "captured": 2, "unchanged": 0, "refused": 1}),
        "carla imported posts from posts.csv: 2 posts kept, 1 post refused.",
    ),
    Action.HOLD_PLACED: (
        Told(
            "hold",
            "H1",
            "ok",
            {"name": "Smith v. Acme", "matter": "Smith", "records": 1284, "reason": "litigation"},
        ),
        "carla placed hold “Smith v. Acme” in matter “Smith” over 1,284 records, because “litigation”.",
    ),
    Action.HOLD_RELEASED: (
        Told(
            "hold",
            "H1",
            "ok",
            {"name": "Smith v. Acme", "matter": "Smith", "records": 1284, "reason": "settled"},
        ),
        "carla released hold “Smith v. Acme” in matter “Smith” over 1,284 records, because “settled”.",
    ),
    Action.HOLD_VIEWED: (
        Told(
            "hold",
            "H1",
            "preview",
            {"name": "Smith v. Acme", "matter": "Smith", "records": 1284, "reason": "litigation"},
        ),
        "carla looked at hold “Smith v. Acme” in matter “Smith”. It was a preview: nothing was changed.",
    ),
    Action.SET_FROZEN: (
        Told(
            "set",
            "S1",
            "ok",
            {"name": "Merger", "matter": "Smith", "records": 1204, "query": "merger w/5 talks"},
        ),
        "carla froze result set “Merger” in matter “Smith” with 1,204 records found by “merger w/5 talks”.",
    ),
    Action.SET_VIEWED: (
        Told("set", "S1", "ok", {"name": "Merger", "matter": "Smith"}),
        "carla looked at result set “Merger” in matter “Smith”.",
    ),
    Action.TERMS_REPORTED: (
        Told(
            "term report",
            "T1",
            "ok",
            {"name": "First list", "matter": "Smith", "terms": 20, "documents": 1204},
        ),
        "carla made search term report “First list” in matter “Smith”: 20 terms over 1,204 records.",
    ),
    Action.TERMS_VIEWED: (
        Told("term report", "T1", "ok", {"name": "First list", "matter": "Smith"}),
        "carla looked at search term report “First list” in matter “Smith”.",
    ),
    Action.TERMS_COMPARED: (
        Told("term report", "T2", "ok", {"name": "Second list", "earlier": "“First list”"}),
        "carla compared search term report “Second list” with another, “First list”.",
    ),
    Action.TERMS_EXPORTED: (
        Told("term report", "T1", "ok", {"name": "First list", "format": "xlsx"}),
        "carla exported search term report “First list” as xlsx.",
    ),
    Action.CLASS_ADOPTED: (
        Told("class", "COM", "ok", {}),
        "carla took class COM into the file plan.",
    ),
    Action.PLAN_SIMULATED: (
        Told("schedule", "default", "ok", {"version": 3, "records": 1_204}),
        "carla simulated a change of default: version 3, over 1,204 records.",
    ),
    Action.RETENTION_STATED: (
        Told(
            "retention",
            "01",
            "ok",
            {"name": "account_closed", "about": "acme on x", "happened": "2026-03-31"},
        ),
        "carla stated what retention counts from: account_closed of acme on x on 2026-03-31.",
    ),
    Action.RETENTION_CORRECTED: (
        Told(
            "retention",
            "02",
            "ok",
            {
                "name": "account_closed",
                "about": "acme on x",
                "happened": "2026-04-01",
                "reason": "the form says April",
            },
        ),
        (
            "carla corrected what retention counts from: account_closed of acme on x to 2026-04-01, "
            "because “the form says April”."
        ),
    ),
    Action.RETENTION_WITHDRAWN: (
        Told(
            "retention",
            "02",
            "ok",
            {"name": "account_closed", "about": "acme on x", "reason": "another account"},
        ),
        (
            "carla withdrew what retention counted from: account_closed of acme on x, because "
            "“another account”."
        ),
    ),
    Action.RECORDS_REFILED: (
        Told(
            "refiling",
            "03",
            "ok",
            {"cause": "schedule default version 2", "longer": 12, "shorter": 0, "due": 1},
        ),
        (
            "carla worked out anew how long records are kept after schedule default version 2: "
            "12 records longer, 0 records shorter, 1 record due now."
        ),
    ),
    Action.DISPOSAL_STOPPED: (
        Told("stop", "01", "ok", {"reason": "a clock looks wrong"}),
        "carla stopped all disposal, because “a clock looks wrong”.",
    ),
    Action.DISPOSAL_RESUMED: (
        Told("stop", "02", "refused", {"reason": "the clock is right"}),
        "carla let disposal go on, because “the clock is right”. It was refused.",
    ),
    Action.DRAFT_MADE: (
        Told(
            "draft",
            "D1",
            "ok",
            {"of": "the schedule of class posts", "version": 2, "reason": "a longer rule"},
        ),
        "carla began draft D1 of the schedule of class posts, because “a longer rule”.",
    ),
    Action.DRAFT_EDITED: (
        Told("draft", "D1", "ok", {"of": "the class rules"}),
        "carla edited draft D1 of the class rules.",
    ),
    Action.DRAFT_SUBMITTED: (
        Told("draft", "D1", "ok", {"of": "the class rules"}),
        "carla submitted draft D1 for approval, of the class rules.",
    ),
    Action.DRAFT_REFUSED: (
        Told("draft", "D1", "ok", {"of": "the class rules", "reason": "too short"}),
        "carla refused draft D1 of the class rules, because “too short”.",
    ),
    Action.DRAFT_WITHDRAWN: (
        Told("draft", "D1", "ok", {"of": "the class rules", "reason": "a mistake"}),
        "carla withdrew draft D1 of the class rules, because “a mistake”.",
    ),
    Action.SCHEDULE_APPROVED: (
        Told(
            "draft",
            "D1",
            "ok",
            {
                "of": "the schedule of class posts",
                "version": 2,
                "since": "2026-03-02T09:00:05.000Z",
                "reason": "as the rule says",
            },
        ),
        "carla approved draft D1: version 2 of the schedule of class posts, in force from 2026-03-02T09:00:05.000Z.",
    ),
    Action.RULES_APPROVED: (
        Told(
            "draft",
            "D1",
            "ok",
            {"of": "the class rules", "version": 3, "since": "2026-03-02T09:00:05.000Z"},
        ),
        "carla approved draft D1: version 3 of the class rules, in force from 2026-03-02T09:00:05.000Z.",
    ),
    Action.CLASS_ADDED: (
        Told("class", "posts", "ok", {"title": "Posts", "authority": "GRS 6.4"}),
        "carla added class posts to the file plan: Posts, on the authority of GRS 6.4.",
    ),
    Action.CLASS_CHANGED: (
        Told("class", "posts", "ok", {"title": "Posts", "parent": "public", "reason": "order"}),
        "carla changed class posts: Posts, below public, because “order”.",
    ),
    Action.CLASS_CLOSED: (
        Told("class", "posts", "ok", {"reason": "another class took its place"}),
        "carla closed class posts for new records, because “another class took its place”.",
    ),
    Action.CLASS_REOPENED: (
        Told("class", "posts", "ok", {"reason": "needed"}),
        "carla opened class posts again, because “needed”.",
    ),
    Action.RECORD_RECLASSIFIED: (
        Told("class", "posts", "ok", {"records": 12, "reason": "they were misfiled"}),
        "carla put records into class posts: 12 records, because “they were misfiled”.",
    ),
    Action.ACCOUNT_REGISTERED: (
        Told(
            "account",
            "C1",
            "ok",
            {
                "platform": "x",
                "handle": "acme",
                "name": "x acme",
                "custodian": "Ines",
                "unit": "Brokers",
            },
        ),
        "carla registered account “x acme”, kept by Ines, unit Brokers.",
    ),
    Action.ACCOUNT_CHANGED: (
        Told("account", "C1", "ok", {"reason": "new custodian"}),
        "carla changed the registration of account C1, because “new custodian”.",
    ),
    Action.ACCOUNT_CLOSED: (
        Told("account", "C1", "ok", {"reason": "left the firm"}),
        "carla closed account C1, because “left the firm”.",
    ),
    Action.ACCOUNT_REOPENED: (
        Told("account", "C1", "ok", {"reason": "came back"}),
        "carla reopened account C1, because “came back”.",
    ),
    Action.ACCOUNT_VIEWED: (
        Told("account", "C1", "ok", {"name": "x acme"}),
        "carla looked at account “x acme”.",
    ),
    Action.PERSON_INVITED: (
        Told(
            "person",
            "P1",
            "ok",
            {
                "name": "Anna Lee",
                "email": "anna@example.com",
                "state": "active",
                "grants": "counsel\nauditor unit Brokers",
            },
        ),
        "carla invited person “Anna Lee”, anna@example.com, as counsel, auditor unit Brokers.",
    ),
    Action.PERSON_LINKED: (
        Told("person", "P1", "ok", {"email": "anna@example.com"}),
        "carla made a sign-in link for person P1, anna@example.com.",
    ),
    Action.PERSON_JOINED: (
        Told(
            "person",
            "P1",
            "ok",
            {
                "name": "Anna Lee",
                "email": "anna@example.com",
                "state": "active",
                "grants": "counsel\nauditor unit Brokers",
            },
        ),
        "carla accepted the invitation.",
    ),
    Action.PERSON_GRANTED: (
        Told(
            "person",
            "P1",
            "ok",
            {
                "name": "Anna Lee",
                "email": "anna@example.com",
                "state": "active",
                "grants": "counsel\nauditor unit Brokers",
                "reason": "new duty",
            },
        ),
        "carla changed the roles of person “Anna Lee”: now counsel, auditor unit Brokers, because “new duty”.",
    ),
    Action.PERSON_DISABLED: (
        Told(
            "person",
            "P1",
            "ok",
            {
                "name": "Anna Lee",
                "email": "anna@example.com",
                "state": "active",
                "grants": "counsel\nauditor unit Brokers",
                "reason": "left",
            },
        ),
        "carla disabled person “Anna Lee”, because “left”.",
    ),
    Action.PERSON_ENABLED: (
        Told(
            "person",
            "P1",
            "ok",
            {
                "name": "Anna Lee",
                "email": "anna@example.com",
                "state": "active",
                "grants": "counsel\nauditor unit Brokers",
                "reason": "came back",
            },
        ),
        "carla enabled person “Anna Lee”, because “came back”.",
    ),
    Action.PERSON_LOCKED: (
        Told("person", "P1", "ok", {"failures": 10, "until": "2026-11-21T22:16:26.000Z"}),
        "carla was locked out after wrong passwords until 2026-11-21T22:16:26.000Z.",
    ),
    Action.PERSON_VIEWED: (
        Told("person", "", "ok", {"shown": 12}),
        "carla looked at the people and their access.",
    ),
    Action.PASSWORD_SET: (
        Told("person", "P1", "ok", {}),
        "carla set a password.",
    ),
    Action.PASSWORD_HASHED: (
        Told("person", "P1", "ok", {}),
        "carla signed in, and their password is kept in a newer form.",
    ),
    Action.IDENTITY_LINKED: (
        Told("person", "P1", "ok", {}),
        "carla came by the identity provider for the first time.",
    ),
    Action.PASSKEY_ADDED: (
        Told("passkey", "K1", "ok", {"name": "Blue key", "person": "P1"}),
        "carla added a passkey “Blue key”.",
    ),
    Action.PASSKEY_RENAMED: (
        Told("passkey", "K1", "ok", {"name": "Red key", "person": "P1"}),
        "carla gave a passkey another name: “Red key”.",
    ),
    Action.PASSKEY_REMOVED: (
        Told("passkey", "K1", "ok", {"name": "Red key", "person": "P1"}),
        "carla removed a passkey “Red key”.",
    ),
    Action.PASSKEY_COPIED: (
        Told("passkey", "K1", "refused", {"name": "Red key", "expected_over": 7, "found": 3}),
        "carla was refused: a copy of their passkey is in use, “Red key”.",
    ),
    Action.SESSION_STARTED: (
        Told("session", "S1", "ok", {"method": "passkey"}),
        "carla signed in by passkey.",
    ),
    Action.SESSION_REFUSED: (
        Told("person", "P1", "refused", {"method": "password", "tries": 3}),
        "carla could not sign in by password.",
    ),
    Action.SESSION_CONFIRMED: (
        Told("session", "S1", "ok", {"method": "passkey"}),
        "carla confirmed who they are by passkey.",
    ),
    Action.SESSION_ENDED: (
        Told("session", "S1", "ok", {}),
        "carla signed out.",
    ),
    Action.SESSION_REVOKED: (
        Told("session", "S1", "ok", {"person": "P1"}),
        "carla ended session S1.",
    ),
    Action.GLASS_BROKEN: (
        Told(
            "session",
            "S1",
            "ok",
            {"reason": "a fault in the viewer", "until": "2026-11-21T22:31:26.000Z"},
        ),
        "carla broke the glass to read content until 2026-11-21T22:31:26.000Z, because “a fault in the viewer”.",
    ),
    Action.GLASS_MENDED: (
        Told("session", "S1", "ok", {}),
        "carla stopped reading content behind broken glass.",
    ),
    Action.APPROVAL_REQUESTED: (
        Told(
            "approval",
            "Q1",
            "ok",
            {
                "act": "hold:released",
                "about": "hold H1",
                "reason": "settled",
                "requested_by": "carla",
            },
        ),
        "carla asked for a second person to approve Q1: hold:released of hold H1, because “settled”.",
    ),
    Action.APPROVAL_GRANTED: (
        Told(
            "approval",
            "Q1",
            "ok",
            {"act": "hold:released", "about": "hold H1", "requested_by": "bob"},
        ),
        "carla approved request Q1: hold:released of hold H1, asked for by bob.",
    ),
    Action.APPROVAL_REFUSED: (
        Told(
            "approval",
            "Q1",
            "ok",
            {"act": "hold:released", "about": "hold H1", "requested_by": "bob"},
        ),
        "carla refused request Q1: hold:released of hold H1, asked for by bob.",
    ),
    Action.APPROVAL_WITHDRAWN: (
        Told("approval", "Q1", "ok", {"act": "hold:released", "about": "hold H1"}),
        "carla withdrew request Q1: hold:released of hold H1.",
    ),
    Action.TOKEN_CREATED: (
        Told(
            "token",
            "T1",
            "ok",
            {"name": "bridge", "roles": "capture-agent", "unit": "Brokers", "matter": ""},
        ),
        "carla created API token “bridge” with the roles capture-agent in unit Brokers.",
    ),
    Action.TOKEN_REVOKED: (
        Told("token", "T1", "ok", {}),
        "carla revoked API token T1.",
    ),
    Action.VERIFICATION_FINISHED: (
        Told("archive", "A1", "integrity", {"checked": 1563, "problems": 1}),
        "carla verified the archive: 1,563 records checked, 1 problem found. Something was not as it was promised.",
    ),
    Action.LOG_KEY_ADDED: (
        Told("key", "log+1", "ok", {}),
        "carla added log key log+1.",
    ),
    Action.LOG_KEY_RETIRED: (
        Told("key", "log+1", "ok", {}),
        "carla retired log key log+1.",
    ),
    Action.ROOT_KEY_ADDED: (
        Told("key", "root-2", "ok", {}),
        "carla added root key root-2.",
    ),
    Action.ROOT_KEY_ESCROWED: (
        Told("key", "age1x", "ok", {}),
        "carla sealed the root keys to third party age1x.",
    ),
    Action.TIMESTAMP_REFUSED: (
        Told("authority", "tsa", "refused", {"size": 8, "problem": "an unknown policy"}),
        "carla refused a token of timestamp authority tsa: an unknown policy.",
    ),
    Action.EVIDENCE_EXPORTED: (
        Told("hold", "H1", "ok", {"records": 74}),
        "carla made an evidence bundle of hold H1 with 74 records.",
    ),
    Action.INDEX_REBUILT: (
        Told("index", "", "ok", {"log_size": 1284220}),
        "carla rebuilt the search index up to log size 1,284,220.",
    ),
    Action.INDEX_LOST: (
        Told("index", "", "ok", {"reason": "meta.json is missing"}),
        "carla found the search index lost or damaged and began a new one: meta.json is missing.",
    ),
    Action.INDEX_MENDED: (
        Told("index", "", "ok", {"missing": 1, "surplus": 8, "log_size": 9}),
        "carla found the search index differing from the records: 1 post missing, 8 posts too many.",
    ),
    Action.OBJECT_DAMAGED: (
        Told("object", "seg/1", "integrity", {"what": "its hash differs"}),
        "carla found object seg/1 damaged and read its second copy: its hash differs.",
    ),
    Action.OBJECT_REPAIRED: (
        Told("object", "seg/1", "ok", {}),
        "carla repaired object seg/1 from the second copy.",
    ),
    Action.COPY_REPAIRED: (
        Told("object", "seg/1", "ok", {}),
        "carla repaired the second copy of object seg/1.",
    ),
    Action.REPAIR_STARTED: (
        Told("archive", "A1", "ok", {"objects": 3, "first": "seg/1"}),
        "carla began to repair the archive's objects: 3 objects.",
    ),
    Action.LOG_CONTRADICTED: (
        Told("log", "witness", "contradicts", {"words": "another root at size 8"}),
        "carla found that witness witness holds another log than this: another root at size 8.",
    ),
    Action.JOB_CANCELLED: (
        Told("job", "J1", "ok", {"kind": "import"}),
        "carla cancelled job J1.",
    ),
    Action.JOB_FETCHED: (
        Told("job", "J1", "ok", {"kind": "evidence"}),
        "carla fetched the file of job J1.",
    ),
    Action.AUDIT_VIEWED: (
        Told("record", "R1", "ok", {"about": "record", "how": "a further page", "shown": 50}),
        "carla looked at the audit trail of record R1: a further page, 50 events shown.",
    ),
    Action.AUDIT_EXPORTED: (
        Told("audit", "", "ok", {"events": 65, "filters": "by carla"}),
        "carla exported the audit trail: 65 events (by carla).",
    ),
    Action.BATCH_FORMED: (
        Told(
            "batch",
            "B1",
            "ok",
            {"class_code": "broker-3", "account": "acme", "period": "2026-03", "records": 3912},
        ),
        "carla formed disposal batch B1 of class broker-3, account acme: 3,912 records.",
    ),
    Action.BATCH_VIEWED: (
        Told("batch", "B1", "ok", {}),
        "carla looked at disposal batch B1.",
    ),
    Action.BATCH_SAMPLED: (
        Told("batch", "B1", "ok", {"records": 50, "seed": "2026-11"}),
        "carla drew a sample of disposal batch B1: 50 records by the seed 2026-11.",
    ),
    Action.BATCH_EXCLUDED: (
        Told("batch", "B1", "ok", {"records": 1, "until": "2030-01-01", "reason": "of value"}),
        "carla left records out of disposal batch B1: 1 record until 2030-01-01, because “of value”.",
    ),
    Action.BATCH_INCLUDED: (
        Told("batch", "B1", "ok", {"records": 1, "reason": "a mistake"}),
        "carla put records back into disposal batch B1: 1 record, because “a mistake”.",
    ),
    Action.BATCH_PROPOSED: (
        Told("batch", "B1", "ok", {"records": 3911, "reason": "reviewed"}),
        "carla proposed disposal batch B1 for approval with 3,911 records, because “reviewed”.",
    ),
    Action.BATCH_APPROVED: (
        Told("batch", "B1", "refused", {"records": 3911, "reason": "agreed"}),
        "carla approved disposal batch B1 with 3,911 records, because “agreed”. It was refused.",
    ),
    Action.BATCH_WITHDRAWN: (
        Told("batch", "B1", "ok", {"reason": "a new claim"}),
        "carla took back their approval of disposal batch B1, because “a new claim”.",
    ),
    Action.BATCH_EXPORTED: (
        Told("batch", "B1", "ok", {"records": 3911}),
        "carla made the transfer package of disposal batch B1 with 3,911 records.",
    ),
    Action.BATCH_CONFIRMED: (
        Told("batch", "B1", "ok", {"receiver": "State Archives"}),
        "carla confirmed that the package of batch B1 was received by State Archives.",
    ),
    Action.BATCH_STARTED: (
        Told("batch", "B1", "ok", {"records": 3911}),
        "carla started to carry out disposal batch B1 with 3,911 records.",
    ),
    Action.BATCH_CANCELLED: (
        Told("batch", "B1", "ok", {"reason": "a new claim"}),
        "carla cancelled disposal batch B1, because “a new claim”.",
    ),
    Action.DISPOSAL_CONDEMNED: (
        Told("batch", "B1", "ok", {"records": 3911}),
        "carla put disposal batch B1 to the gate of destruction with 3,911 records.",
    ),
    Action.DISPOSAL_KEPT: (
        Told("batch", "B1", "ok", {"records": 2, "reason": "it is held"}),
        (
            "carla kept records of disposal batch B1 from destruction: 2 records, the first "
            "because it is held."
        ),
    ),
    Action.DISPOSAL_EXECUTED: (
        Told("batch", "B1", "ok", {"records": 3909, "kept": 2, "method": "delete"}),
        "carla destroyed disposal batch B1: 3,909 records and 2 records kept (delete).",
    ),
    Action.CERTIFICATE_ISSUED: (
        Told("certificate", "C1", "ok", {"name": "no. 7", "records": 3911, "batch_id": "B1"}),
        "carla issued certificate of destruction “no. 7” over 3,911 records of batch B1.",
    ),
    Action.CERTIFICATE_VIEWED: (
        Told("certificate", "C1", "ok", {"name": "no. 7"}),
        "carla looked at certificate of destruction “no. 7”.",
    ),
    Action.PRIVACY_RECEIVED: (
        Told("privacy-request", "P1", "ok", {"kind": "erasure", "reference": "26-7"}),
        "carla received privacy request P1 for erasure, reference 26-7.",
    ),
    Action.PRIVACY_EXTENDED: (
        Told("privacy-request", "P1", "ok", {"months": 2, "reason": "4,000 posts"}),
        "carla took more time for privacy request P1: 2 months, because “4,000 posts”.",
    ),
    Action.PRIVACY_FOUND: (
        Told("privacy-request", "P1", "ok", {"records": 3}),
        "carla put records under privacy request P1: 3 records.",
    ),
    Action.PRIVACY_DECIDED: (
        Told("privacy-request", "P1", "ok", {"decision": "erase", "records": 2, "reason": "hers"}),
        "carla decided on records of privacy request P1: erase 2 records, because “hers”.",
    ),
    Action.PRIVACY_LIFTED: (
        Told("privacy-request", "P1", "ok", {"records": 1, "reason": "they are right"}),
        "carla lifted restrictions of privacy request P1 of 1 record, because “they are right”.",
    ),
    Action.PRIVACY_CLOSED: (
        Told("privacy-request", "P1", "ok", {"records": 3}),
        "carla closed privacy request P1 about 3 records.",
    ),
    Action.PRIVACY_VIEWED: (
        Told("privacy-request", "P1", "ok", {"what": "records"}),
        "carla looked at privacy request P1.",
    ),
}
"""An event of each action as the use cases record it, and what is told of it."""


def told(action: Action, event: Told, names: dict[str, str] | None = None) -> str:
    return sentence(
        action.value,
        actor="carla",
        object_type=event.object_type,
        object_id=event.object_id,
        result=event.result,
        details=event.details,
        names=names,
    )


def test_every_action_is_told_here() -> None:
    missing = [action.name for action in Action if action not in SENTENCES]

    assert missing == [], "add an event of each, as it is recorded, with its sentence"


@pytest.mark.parametrize("action", SENTENCES, ids=str)
def test_an_action_is_told_in_these_words(action: Action) -> None:
    event, expected = SENTENCES[action]

    assert told(action, event) == expected


@pytest.mark.parametrize("action", SENTENCES, ids=str)
def test_an_event_that_knows_nothing_is_told_all_the_same(action: Action) -> None:
    bare = told(action, Told("", "", "ok", {}))

    assert bare.startswith("carla ")
    assert bare.endswith(".")
    assert not set(bare) & set("[]{}")


@pytest.mark.parametrize("action", TELLING, ids=str)
def test_what_is_told_of_the_details_is_told_where_they_are_recorded(action: Action) -> None:
    event, expected = SENTENCES[action]

    assert len(expected) > len(told(action, event._replace(details={})))


def test_a_name_is_looked_up_where_the_event_does_not_say_it() -> None:
    event = Told("token", "T1", "ok", {})

    assert told(Action.TOKEN_REVOKED, event, {"T1": "bridge"}) == (
        "carla revoked API token “bridge”."
    )


def test_a_list_of_holds_is_told_without_a_hold() -> None:
    event = Told("hold", "", "ok", {"listed": 7})

    assert told(Action.HOLD_VIEWED, event) == "carla looked at the list of holds."


def test_who_read_behind_broken_glass_is_told_so_in_every_sentence() -> None:
    event = Told("record", "R1", "ok", {"what": "raw", "broken_glass": "a fault in the viewer"})

    assert told(Action.RECORD_VIEWED, event) == (
        "carla looked at record R1: its payload, behind broken glass because “a fault in the "
        "viewer”."
    )


@pytest.mark.parametrize(
    ("result", "ending"),
    [
        ("denied", ". It was not permitted."),
        ("failed", ". It failed."),
        ("refused", ". It was refused."),
        ("new-word", ". Result: new-word."),
    ],
)
def test_an_end_that_was_not_well_is_told_in_words(result: str, ending: str) -> None:
    assert told(Action.JOB_FETCHED, Told("job", "J1", result, {})) == (
        f"carla fetched the file of job J1{ending}"
    )


def test_who_acted_is_told_as_people_read_it() -> None:
    assert actor_in_words(SYSTEM.name) == "The archive itself"
    assert actor_in_words("cli:root") == "root (command line)"
    assert actor_in_words("carla@example.com") == "carla@example.com"


def test_an_action_of_another_version_is_told_by_its_name() -> None:
    told = sentence("batch:weighed", actor="carla", object_type="batch", object_id="B1")

    assert told == "carla did “batch:weighed” B1."
    assert action_in_words("batch:weighed") == "batch:weighed"


@pytest.mark.parametrize("value", [2**63 - 1, 2**200, 253_402_300_800_000, -(2**70), 0])
def test_a_number_that_is_no_moment_is_told_as_a_number(value: int) -> None:
    assert details_in_words({"until": value}) == [("Until", f"{value:,}")]


@given(
    action=st.sampled_from([*Action, "other:act"]),
    object_type=st.text(max_size=8),
    object_id=st.text(max_size=8),
    result=st.text(max_size=8),
    details=st.dictionaries(
        st.sampled_from(["name", "reason", "records", "what", "grants", "until", "scope", "{x}"]),
        st.one_of(st.text(max_size=300), st.integers(), st.booleans()),
    ),
)
def test_any_event_can_be_told(
    action: str,
    object_type: str,
    object_id: str,
    result: str,
    details: dict[str, str | int | bool],
) -> None:
    words = sentence(
        action,
        actor="{actor}",
        object_type=object_type,
        object_id=object_id,
        result=result,
        details=details,
    )

    assert words.startswith("{actor} ")
    details_in_words(details)


def test_details_are_told_by_label_with_moments_and_numbers() -> None:
    scope = '{"query": "a OR b", "accounts": ["@acme", "@b"], "record_ids": []}'

    assert details_in_words({"log_size": 1284220, "created_at": 1_800_000_000_000, "x": ""}) == [
        ("Created at", "2027-01-15T08:00:00.000Z"),
        ("Size of the log", "1,284,220"),
    ]
    assert details_in_words({"scope": scope, "ok": True}) == [
        ("Ok", "yes"),
        ("Scope", "Query: a OR b; Accounts: @acme, @b"),
    ]
    assert details_in_words({"scope": "[1]"}) == [("Scope", "[1]")]


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", '{"a": [1]}'])
def test_details_that_are_none_are_read_as_none(text: str) -> None:
    assert read_details(text) == {}
