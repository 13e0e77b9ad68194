"""Runs that are broken off: whatever is on disk at that moment, the next run completes it."""

import asyncio
import csv
import random
import shutil
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.leads.asking import Asking, Patience
from gateway.leads.assigning import Assigning, Warmed
from gateway.leads.checkpoint import CheckpointFile
from gateway.leads.columns import ColumnNames
from gateway.leads.loading import Loading, OutageError, open_loading
from gateway.leads.reader import LeadsError, read_sheet
from gateway.model.lead import Lead
from gateway.model.phone import PhoneFormat, PhoneNumber
from gateway.providers.base import ProviderError, RefusedError, UnavailableError
from gateway.simulator.clock import SimulatedTimeLoop
from tests.leads.conftest import Fails, ListProvider

ARGUMENTS = {"--campaign": "c1"}
DOWN = UnavailableError("answer 503")


def written_list(folder: Path, rows: int) -> Path:
    """A list in which every seventh phone is none and every fifth row holds a line end."""
    path = folder / "leads.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "phone", "note"))
        for number in range(rows):
            phone = "none" if number % 7 == 0 else f"404555{number:04d}"
            writer.writerow((number, phone, "a\nb" if number % 5 == 0 else ""))
    return path


def write_list(folder: Path, content: bytes) -> None:
    (folder / "leads.csv").write_bytes(content)


def opened(folder: Path, **options: bool) -> Loading:
    leads = folder / "leads.csv"
    return open_loading(
        (leads, folder / "out.csv"),
        read_sheet(leads, ColumnNames()),
        campaign="c1",
        written=lambda ani: ani.written(PhoneFormat.NATIONAL),
        arguments=ARGUMENTS,
        checkpoint_rows=10,
        **options,
    )


def assigning(provider: ListProvider, warmer: "Noting | None" = None, tries: int = 3) -> Assigning:
    asking = Asking(provider, Patience(tries=tries), dice=lambda: 0.5)
    return Assigning(asking, batch=4, in_flight=3, accepts=PhoneNumber.is_plausible, warmer=warmer)


class Noting:
    """A warmer that remembers."""

    def __init__(self) -> None:
        self.given: list[Lead] = []

    async def give(self, assigned: Sequence[tuple[Lead, PhoneNumber]]) -> Warmed:
        self.given += [lead for lead, _ in assigned]
        return Warmed(len(assigned), 0)


async def run(folder: Path, provider: ListProvider, warmer: Noting | None = None, **options: bool) -> Loading:
    loading = opened(folder, **options)
    try:
        await loading.run(assigning(provider, warmer))
    except BaseException:
        loading.save()
        raise
    finally:
        loading.close()
    return loading


def results(folder: Path) -> list[list[str]]:
    with (folder / "out.csv").open(newline="") as file:
        return list(csv.reader(file))


def out_of(folder: Path) -> bytes:
    return (folder / "out.csv").read_bytes()


def expected(rows: int) -> list[list[str]]:
    fault = "phone: no phone number: write 10 digits or + and the country code"
    lines = [["id", "phone", "note", "ani", "assignment_error"]]
    for number in range(rows):
        phone, ani, error = f"404555{number:04d}", f"404777{number:04d}", ""
        if number % 7 == 0:
            phone, ani, error = "none", "", fault
        lines.append([str(number), phone, "a\nb" if number % 5 == 0 else "", ani, error])
    return lines


def in_simulated_time(main: Coroutine[Any, Any, object]) -> None:
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(main)


@pytest.mark.simulated_time
async def test_every_row_is_written_in_order_with_its_answer(tmp_path: Path, provider: ListProvider) -> None:
    written_list(tmp_path, 100)
    loading = await run(tmp_path, provider)
    assert results(tmp_path) == expected(100)
    counts = loading.counts
    assert (counts.rows, counts.assigned, counts.errors) == (100, 85, 15)
    assert provider.most_open == 3
    assert not opened(tmp_path, force=True).rows_before


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(0, 70),
    kills=st.lists(st.integers(0, 60), min_size=1, max_size=3),
    torn=st.binary(max_size=40),
    trouble=st.booleans(),
)
def test_killed_at_any_moment_the_next_run_completes_the_output(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    seed: int,
    rows: int,
    kills: list[int],
    torn: bytes,
    trouble: bool,
) -> None:
    """The disk as it is at some request is all that is left, with a torn write behind it."""
    folder = tmp_path_factory.mktemp("killed")
    written_list(folder, rows)
    dice = random.Random(seed)  # noqa: S311 - a test's dice

    def fails(_number: int, _leads: Sequence[Lead]) -> ProviderError | None:
        return DOWN if trouble and dice.random() < 0.2 else None

    warmer = Noting()
    for kill_at in kills:
        left = folder / "left"
        in_simulated_time(_run_and_keep(folder, left, ListProvider(dice, fails), kill_at, warmer))
        if not left.exists():
            break
        _restore(folder, left)
        if (folder / "out.csv").exists() and (folder / "out.csv.progress").exists():
            with (folder / "out.csv").open("ab") as file:
                file.write(torn)
    if not (folder / "out.csv").exists() or (folder / "out.csv.progress").exists():
        in_simulated_time(run(folder, ListProvider(dice), warmer))
    if trouble:
        assert [row[:3] for row in results(folder)] == [row[:3] for row in expected(rows)]
    else:
        assert results(folder) == expected(rows)
        asked = {lead.phone.e164 for lead in warmer.given}
        assert len(asked) == sum(1 for row in expected(rows)[1:] if row[3])


async def _run_and_keep(
    folder: Path, left: Path, provider: ListProvider, kill_at: int, warmer: Noting
) -> None:
    """Run to the end, and keep what the disk held when request `kill_at` was made."""

    def keep() -> None:
        left.mkdir()
        for path in folder.glob("out.csv*"):
            shutil.copy(path, left)

    fails = provider.fails

    def watched(number: int, leads: Sequence[Lead]) -> ProviderError | None:
        if number == kill_at:
            keep()
        return fails(number, leads)

    provider.fails = watched
    # It ended by itself, with the checkpoint that the next run goes on by.
    with suppress(OutageError):
        await run(folder, provider, warmer)


def _restore(folder: Path, left: Path) -> None:
    for path in folder.glob("out.csv*"):
        path.unlink()
    for path in left.iterdir():
        shutil.move(path, folder / path.name)
    left.rmdir()


def failing_from(first: int, last: int = 1_000_000) -> Fails:
    return lambda number, _: DOWN if first <= number < last else None


@pytest.mark.simulated_time
async def test_an_outage_stops_the_run_and_spoils_no_row(tmp_path: Path) -> None:
    written_list(tmp_path, 400)
    with pytest.raises(OutageError, match="the provider does not answer: answer 503"):
        await run(tmp_path, ListProvider(fails=failing_from(10)))
    assert all(row[3] or row[1] == "none" for row in results(tmp_path)[1:])
    await run(tmp_path, ListProvider())
    assert results(tmp_path) == expected(400)


@pytest.mark.simulated_time
async def test_a_provider_that_never_answers_leaves_nothing_but_the_header(tmp_path: Path) -> None:
    written_list(tmp_path, 8)
    with pytest.raises(OutageError):
        await run(tmp_path, ListProvider(fails=failing_from(0)))
    assert results(tmp_path) == expected(0)


@pytest.mark.simulated_time
async def test_rows_no_try_could_answer_have_the_error_when_the_rest_went_on(tmp_path: Path) -> None:
    written_list(tmp_path, 100)
    poison = PhoneNumber("+14045550050")

    def fails(_number: int, leads: Sequence[Lead]) -> ProviderError | None:
        return DOWN if any(lead.phone == poison for lead in leads) else None

    await run(tmp_path, ListProvider(fails=fails))
    spoiled = [row for row in results(tmp_path) if row[4] == "answer 503"]
    assert {row[0] for row in spoiled} == {"48", "50", "51"}


@pytest.mark.simulated_time
async def test_a_refused_key_keeps_what_was_done_and_the_next_run_goes_on(tmp_path: Path) -> None:
    written_list(tmp_path, 100)
    refused = RefusedError("the key was refused (401)", status=401)
    with pytest.raises(RefusedError):
        await run(tmp_path, ListProvider(fails=lambda number, _: refused if number >= 9 else None))
    done = results(tmp_path)
    assert 20 < len(done) < 60
    assert done == expected(100)[: len(done)]
    await run(tmp_path, ListProvider())
    assert results(tmp_path) == expected(100)


@pytest.mark.simulated_time
async def test_a_run_goes_on_only_with_the_same_input_and_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_list(tmp_path, 100)
    with pytest.raises(OutageError):
        await run(tmp_path, ListProvider(fails=failing_from(5)))
    monkeypatch.setitem(ARGUMENTS, "--campaign", "c2")
    with pytest.raises(LeadsError, match="it was begun with another --campaign") as caught:
        opened(tmp_path)
    assert "--restart" in caught.value.hint
    monkeypatch.undo()
    with (tmp_path / "leads.csv").open("a") as file:
        file.write("x,4045559999,\n")
    with pytest.raises(LeadsError, match="the input was changed since"):
        opened(tmp_path)
    await run(tmp_path, ListProvider(), restart=True)
    assert len(results(tmp_path)) == 102


@pytest.mark.simulated_time
async def test_a_complete_output_is_not_written_over_without_being_told(tmp_path: Path) -> None:
    written_list(tmp_path, 10)
    await run(tmp_path, ListProvider())
    with pytest.raises(LeadsError, match="is there already"):
        opened(tmp_path)
    await run(tmp_path, ListProvider(), force=True)
    assert results(tmp_path) == expected(10)


@pytest.mark.simulated_time
async def test_two_runs_do_not_share_an_output(tmp_path: Path) -> None:
    written_list(tmp_path, 10)
    first = opened(tmp_path)
    with pytest.raises(LeadsError, match="is being written by another run"):
        opened(tmp_path)
    first.close()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"version": 1}', b"[]"])
def test_a_checkpoint_that_makes_no_sense_is_told(tmp_path: Path, content: bytes) -> None:
    written_list(tmp_path, 10)
    (tmp_path / "out.csv.progress").write_bytes(content)
    with pytest.raises(LeadsError, match="is no checkpoint") as caught:
        opened(tmp_path)
    assert "--restart" in caught.value.hint


def test_a_run_killed_before_its_output_was_begun_begins_it(tmp_path: Path) -> None:
    written_list(tmp_path, 10)
    opened(tmp_path).close()
    file = CheckpointFile(tmp_path / "out.csv")
    checkpoint = file.load()
    assert checkpoint is not None
    header = out_of(tmp_path)
    for left in (b"", header[:3]):
        checkpoint.output_bytes = 0
        file.save(checkpoint)
        (tmp_path / "out.csv").write_bytes(left)
        opened(tmp_path).close()
        assert out_of(tmp_path) == header


def test_an_output_cut_short_by_others_is_told(tmp_path: Path) -> None:
    written_list(tmp_path, 10)
    opened(tmp_path).close()
    (tmp_path / "out.csv").write_bytes(b"id")
    with pytest.raises(LeadsError, match="is shorter than the"):
        opened(tmp_path)


def test_the_output_is_not_the_input(tmp_path: Path) -> None:
    leads = written_list(tmp_path, 1)
    (tmp_path / "out.csv").symlink_to(leads)
    with pytest.raises(LeadsError, match="the output is the input"):
        opened(tmp_path)


@pytest.mark.simulated_time
async def test_line_ends_delimiter_bom_and_strange_bytes_are_kept(
    tmp_path: Path, provider: ListProvider
) -> None:
    content = b"\xef\xbb\xbfphone;name\r\n4045550001;Jos\xe9\r\n"
    (tmp_path / "leads.csv").write_bytes(content)
    loading = await run(tmp_path, provider)
    expected_bytes = b"\xef\xbb\xbfphone;name;ani;assignment_error\r\n4045550001;Jos\xe9;4047770001;\r\n"
    assert out_of(tmp_path) == expected_bytes
    assert loading.counts.not_utf8 == 1


@pytest.mark.simulated_time
async def test_an_implausible_number_is_an_error_of_its_row(tmp_path: Path, provider: ListProvider) -> None:
    written_list(tmp_path, 3)
    loading = opened(tmp_path)
    asking = Asking(provider, Patience())
    await loading.run(Assigning(asking, batch=4, in_flight=1, accepts=lambda _: False))
    loading.close()
    assert {row[4] for row in results(tmp_path)[2:]} == {
        "the number answered is implausible and was not taken"
    }
