"""The command line `muniment`: one module per command group; `main` only dispatches.

Start at `main.COMMANDS`. A group module has `configure(parser)`, which declares its arguments and
sets `act` for each leaf; it is imported only when its command runs. `opening` gives a command the
archive's services and its actor, `output` says the answer, `exits` turns errors into exit codes.
"""
