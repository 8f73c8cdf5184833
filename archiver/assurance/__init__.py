"""Assurance: what is stored is compared with what was promised, from the bucket outwards.

`verification.py` is `muniment verify`; it shows the order of the checks. Each check has a module:
`segment_scan.py` the bytes of a segment, `segment_check.py` its keys and locks, `log_scan.py` and
`log_check.py` the log, `join.py` that the two are the same records, `database_check.py` that the
database says the same, `content.py` what lies under encryption, `sample.py` all of it for a few
records. `report.py` is what a verification says. `log_view.py` answers questions about the log.
"""
