from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from tests.unit.web.fake_services import Face, FakeServices


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
async def face(services: FakeServices) -> AsyncIterator[Face]:
    server = TestServer(create_app(services))
    await server.start_server(**CONNECTION)
    async with TestClient(server) as client:
        yield client
