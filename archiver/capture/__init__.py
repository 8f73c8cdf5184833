"""Capture: how posts reach the archive, verbatim, from whoever sends them.

Reading starts at `decoding` (the push API's wire shape) and at `importers` (official exports and
files of posts). Both produce `archiver.model.post.Arrival`: the sender's exact bytes first, then
normalised fields derived from them. `ingest` takes posts as they are sent, `importing` whole files;
`preparation` seals for both. `accounts` is the register of whose posts these are. `containers`
opens files, folders and archives within limits; `fields` maps foreign field names and reads times;
`html_text` turns markup into plain text; `sample_company` makes the posts of the demonstration.
"""
