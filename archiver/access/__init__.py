"""Who may do what, and the doors that ask.

`rules` is the one table of roles and permissions, pure. `tokens` makes, checks and revokes API
tokens; `records` is the door to a record's content: it checks the permission, opens, verifies and
leaves the event.
"""
