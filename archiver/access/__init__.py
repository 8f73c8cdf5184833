"""Who may do what, and the doors that ask.

`rules` is the one table of roles and permissions, pure. `roster` is who there is; `sessions` and
`tokens` are what somebody shows who came in, by password, passkey or the identity provider.
`records` is the door to a record's content: it checks the permission, opens, verifies and leaves
the event. `approvals` is the two-person rule, `waiting` all that waits for a second person.
"""
