"""A process that tells what is new, once, and may be killed on the way.

`python -m tests.fakes.telling_process HOME`
"""

import asyncio
import sys
from pathlib import Path

from archiver.app import open_services
from archiver.legal.subscription_views import ChannelName
from tests.fakes.archive import settings_for


async def tell(home: Path) -> None:
    """Follow and deliver, as the loops do."""
    settings = settings_for(home).model_copy(update={"webhook_networks": "127.0.0.0/8"})
    async with open_services(settings) as services:
        await services.telling.follower.follow()
        await services.telling.deliveries.deliver(ChannelName.WEBHOOK)


if __name__ == "__main__":
    asyncio.run(tell(Path(sys.argv[1])))
