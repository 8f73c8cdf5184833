"""The retention engine: what must be kept, until when, and why. Pure; no I/O, no clock.

A *class* has versioned *schedules*; a schedule is a set of *terms*, each a reason to keep with its
citation; a record is kept until the latest of its terms. Every answer carries its reasons as
sentences a records manager can read.

Where to look next:

- `periods`: calendar periods and cutoffs, and how a day is counted in a time zone.
- `facts`: what is known about a record, and the holds on it.
- `schedules`: terms, schedules, classes, and their JSON form.
- `class_tree`: classes above and below each other.
- `decisions`: `decide` (state, date, reasons) and `retain_until` (the fast path of capture).
- `ends`: the same dates for millions of records, by tables of steps.
- `rules`: the ordered, versioned rules that put each record in exactly one class.
- `templates`: the shipped schedules with their citations, and their loader.
- `errors`: the one tree of errors.
"""
