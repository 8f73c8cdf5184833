"""From the file plan to the end of a record: how long it is kept, why, and how it goes.

By what you want to change (each module's first lines say more):

- The file plan: `class_plan` and `class_views` its classes, `drafts`, `draft_views` and
  `schedule_life` the versions of a schedule, `schedule_words` and `template_views` their words,
  `plan_report` the plan as a document; `reclassifying` moves posts by hand. `plan_making` opens
  these.
- Simulation of a draft: `simulation`, over the pages of `simulation_walk`, counted in
  `simulation_result`, kept by `kept_simulations`, shown by `simulation_views`.
- When a term begins: `retention_events`, in the form of `stated_events`, told by `event_history`;
  `event_previews` and `event_import` come before a statement. `refiling` works ends out anew.
  `keeping` opens these.
- Why a record is kept: `filing`.
- A batch: `batch_forming`, `batch_reviews`, `batch_changes`, `batch_approvals`, `batch_views`,
  `batch_statistics`, `transfers`, `stale_batches`; `batches` is where to begin. `disposition`
  opens these, `stop` halts them all.
- The end: `execution` asks `gate` and then `destruction`, which uses `doomed`, `removal`,
  `erasure`, `epoch_removal` and `key_generations`; `certificates` issue what
  `certificate_document` writes. `kept_back` counts what stays, and why.
- Rows alone destroy nothing: `term_witness` holds against the log what they say of terms,
  `destruction_witness` what they say of a batch; `stored_events` opens the events that both go by.
- Requests of people about data on them: `privacy_requests`, `privacy_judging`,
  `privacy_decisions`, `privacy_erasing`, `privacy_closing`, `privacy_changes`, `privacy_views`,
  `privacy_document`; `privacy` opens these.
- For several of them: `changes` (no change without its event), `local_moments`, `samples`.
"""
