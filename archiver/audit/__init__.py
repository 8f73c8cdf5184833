"""The audit trail: every act, reads of content included, is an event and a record in the log.

`actions` lists them, `trail` records them, `sentences` tells them; `assurance.audit_view` reads
them.
"""
