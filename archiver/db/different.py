"""The different values of an indexed column, found without going through the rows.

`SELECT DISTINCT` reads every row on both databases, or every entry of the index. Here each value is
looked up as the least one above the last, so that a million rows of 500 accounts cost 500 look-ups.
PostgreSQL's wiki calls it a loose index scan.
"""

from typing import Any

from sqlalchemy import Column, ColumnElement, Select, TextClause, func, select


def different(column: Column[Any], *where: ColumnElement[bool] | TextClause) -> Select[Any]:
    """Return the statement of the different values of `column`, ascending; NULL is none.

    An index should begin with the columns that `where` compares, then have `column`.
    """
    least = select(func.min(column)).where(*where)
    values = select(least.scalar_subquery().label("value")).cte(recursive=True)
    following = least.where(column > values.c.value).correlate(values).scalar_subquery()
    values = values.union_all(select(following).where(values.c.value.is_not(None)))
    return select(values.c.value).where(values.c.value.is_not(None))
