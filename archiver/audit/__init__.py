"""The audit trail: every act, reads of content included, is an event and a record in the log."""
