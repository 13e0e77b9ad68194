import os
from collections.abc import Iterator

import pytest

from tests.asterisk.fetch import NotAvailableError, Programs, fetch
from tests.asterisk.rig import Rig, started


@pytest.fixture(scope="session")
def programs() -> Programs:
    try:
        return fetch()
    except NotAvailableError as error:
        line = f"THE REAL ASTERISK IS NOT TESTED: {' '.join(str(error).split())}"
        if os.environ.get("REQUIRE_ASTERISK") == "1":
            pytest.fail(line, pytrace=False)
        pytest.skip(line)


@pytest.fixture(scope="session")
def rig(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with started(programs, tmp_path_factory.mktemp("asterisk")) as running:
        yield running
