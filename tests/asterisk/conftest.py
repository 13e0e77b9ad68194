from collections.abc import Iterator

import pytest

from tests.asterisk.doctor_rig import DoctorRig, started_doctor
from tests.asterisk.fetch import Programs, fetch
from tests.asterisk.reports_rig import ReportsRig, started_reports
from tests.asterisk.rig import Rig, started
from tests.debian import required


@pytest.fixture(scope="session")
def programs() -> Programs:
    return required(fetch, "THE REAL ASTERISK")


@pytest.fixture(scope="session")
def rig(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with started(programs, tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@pytest.fixture(scope="session")
def reports(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportsRig]:
    with started_reports(programs, tmp_path_factory.mktemp("reports")) as running:
        yield running


@pytest.fixture(scope="module")
def doctor(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoctorRig]:
    with started_doctor(programs, tmp_path_factory.mktemp("doctor")) as running:
        yield running
