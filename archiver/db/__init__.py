"""The database: a view of the log that can be rebuilt, and the only home of SQLAlchemy.

`tables.py` is the schema, `transaction.py` opens it and hands out transactions, and there is one
query module per aggregate. Query functions take a `Transaction` first; use cases open transactions,
queries never do. SQLite and PostgreSQL are equals: the contract suite runs on both.
"""
