"""Evidence bundles: one zip file that proves records to somebody who trusts nobody here.

`exporting.py` is the use case and shows the order of the work. `selection.py` says which records
under which checkpoint, `ledger_files.py` what of the log, `record_files.py` what of each record,
`retention_state.py` why it is kept, `documents.py` what people read (templates beside it), and
`container.py` how the bytes are laid out. FORMAT.md describes the file; what checks it stands
alone in `archiver/assurance/evidence_verifier.py`, of which every bundle holds a copy.
"""
