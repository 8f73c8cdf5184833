"""Work in threads that is let finish when whoever awaits it is told to end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def to_its_end(act: Coroutine[Any, Any, _T]) -> _T:
    """Await `act`; when cancelled meanwhile, let it finish first.

    Its threads could not be stopped, and must not go on beside whatever comes next.
    """
    task = asyncio.ensure_future(act)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
