"""`ani-gateway doctor`: what is wrong, why it matters, and the line to change; it changes nothing itself."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.console import FAILED, colour, fail, put
from gateway.cli.options import config_options, json_option, load_what_can_be

if TYPE_CHECKING:
    from gateway.doctor.checks_test_call import Caller
    from gateway.doctor.finding import Finding

_COLOURS = {"ok": "green", "not checked": "cyan", "warning": "yellow", "fault": "bold red"}
_WIDTH = 11


@click.command()
@config_options
@click.option(
    "--asterisk-etc",
    "asterisk_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Asterisk's files, for what its manager does not tell. Default: /etc/asterisk, when it is there.",
)
@click.option(
    "--test-call-user",
    "user",
    help="Manager user with write=originate: has Asterisk call itself, to prove the way to the gateway.",
)
@click.option(
    "--test-call-secret-file",
    "secret_file",
    type=click.Path(path_type=Path),
    help="File with that user's secret.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings too.")
@json_option
@click.pass_context
def doctor(
    context: click.Context,
    *,
    asterisk_folder: Path | None,
    user: str | None,
    secret_file: Path | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Find out what is wrong: configuration, upstreams, Asterisk, dialplan, spool.

    Looks and changes nothing. Each upstream gets one request that costs nothing. Exit code 1 when there is
    a fault; warnings alone leave 0, unless --strict.
    """
    from gateway.doctor.checkup import Options, check_up
    from gateway.service.loop import run

    options = Options(asterisk_folder, _caller(user, secret_file))
    loaded, problems = load_what_can_be(context)
    started = time.monotonic()
    found = run(check_up(loaded, problems, options))
    took_s = time.monotonic() - started
    if as_json:
        put(_json(found, took_s))
    else:
        _show(found, took_s)
    sys.exit(exit_code(found, strict=strict))


def _caller(user: str | None, secret_file: Path | None) -> "Caller | None":
    from gateway.doctor.checks_test_call import Caller

    if user is None:
        return None
    if secret_file is None:
        raise click.UsageError("--test-call-user needs --test-call-secret-file")
    try:
        return Caller(user, secret_file.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{secret_file} cannot be read: {error}", "name a file that holds the secret and nothing else")


def exit_code(found: "Sequence[Finding]", *, strict: bool) -> int:
    """1 when there is a fault, or under `strict` a warning; what could not be looked at fails nothing."""
    bad = {"fault", "warning"} if strict else {"fault"}
    return FAILED if any(finding.verdict in bad for finding in found) else 0


def _counts(found: "Sequence[Finding]") -> dict[str, int]:
    verdicts = [str(finding.verdict) for finding in found]
    return {verdict: verdicts.count(verdict) for verdict in reversed(_COLOURS)}


def _json(found: "Sequence[Finding]", took_s: float) -> str:
    tree = {
        "counts": _counts(found),
        "took_s": round(took_s, 3),
        "findings": [asdict(finding) for finding in found],
    }
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _show(found: "Sequence[Finding]", took_s: float) -> None:
    """Write it for people: by part, the line to change under each thing that is wrong."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, no_color=colour() is False, soft_wrap=True)
    with console.capture() as capture:
        for (part, subject), group in groupby(found, key=lambda one: (str(one.part), one.subject)):
            console.print(Text(f"{part} ({subject})" if subject else part, style="bold"))
            for head, text in _lines(list(group)):
                console.print(
                    Text.assemble("  ", (head.ljust(_WIDTH), _COLOURS.get(head, "dim")), "  ", text)
                )
            console.print()
        counts = _counts(found).items()
        summary = ", ".join(f"{number} {_many(verdict, number)}" for verdict, number in counts if number)
        console.print(f"{summary} ({took_s:.1f} s)")
    put(capture.get())


def _many(verdict: str, number: int) -> str:
    return f"{verdict}s" if number > 1 and verdict in {"warning", "fault"} else verdict


def _lines(found: "list[Finding]") -> Iterator[tuple[str, str]]:
    for finding in found:
        if finding.verdict == "not checked":
            continue
        is_right = finding.verdict == "ok"
        yield str(finding.verdict), finding.what if is_right else f"{finding.what}  [{finding.name}]"
        if not is_right:
            yield "  why", finding.why
        if finding.change is not None:
            yield "  change", f"{finding.change.file}: {finding.change.line}"
    yield from _unchecked(found)


def _unchecked(found: "list[Finding]") -> Iterator[tuple[str, str]]:
    """What could not be looked at, one line for each reason."""
    reasons: dict[str, list[str]] = {}
    for finding in found:
        if finding.verdict == "not checked":
            reasons.setdefault(finding.what, []).append(finding.name)
    for reason, names in reasons.items():
        yield "not checked", f"{reason}  [{', '.join(names)}]"
