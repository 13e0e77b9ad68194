"""What is wrong with the configuration, and what it leaves out that most want."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.config.load import Loaded
from gateway.config.problems import Problem
from gateway.doctor.examination import in_thread
from gateway.doctor.finding import Change, Check, Finding, Kind, NotExaminedError, Part, Verdict, right
from gateway.engine.inventory import InventoryError, read_inventory

WRONG = Kind("config.wrong", Verdict.FAULT, "serve does not start with it")
WARNED = Kind("config.warning", Verdict.WARNING, "the gateway starts, and warns of it each time")
NO_FILE = Kind("config.no-file", Verdict.WARNING, "the defaults are in force, and no key is known")
INVENTORY = Kind("config.inventory", Verdict.FAULT, "the engine has no numbers to choose from")
NO_REPORTS = Kind("config.no-reports", Verdict.WARNING, "no call is reported: dials.targets is empty")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was read, and what was wrong with it."""

    loaded: Loaded
    problems: Sequence[Problem]


async def _settings(config: Configuration) -> Iterable[Finding]:
    loaded = config.loaded
    file = str(loaded.file or "ani-gateway.toml")
    found = [
        WRONG.seen(problem.line, Change(problem.origin or file, problem.hint)) for problem in config.problems
    ]
    found += [WARNED.seen(warning, Change("shell", "chmod 640 FILE")) for warning in loaded.warnings]
    if not loaded.origins:
        change = Change("shell", "ani-gateway config reference --format toml > ani-gateway.toml")
        found.append(NO_FILE.seen("no configuration file, and no setting in the environment", change))
    return found or [right(f"{loaded.file or 'no file'}; settings given: {len(loaded.origins)}")]


async def _reports(config: Configuration) -> Iterable[Finding]:
    if config.loaded.settings.dials.targets:
        return []
    change = Change("ani-gateway.toml [dials]", 'targets = ["outboundiq"]')
    return [NO_REPORTS.seen("dial records go nowhere", change)]


async def _inventory(config: Configuration) -> Iterable[Finding]:
    path = config.loaded.settings.engine.inventory
    if not path:
        return []
    try:
        inventory = await in_thread(lambda: read_inventory(Path(path)))
    except InventoryError as error:
        more = f" and {len(error.findings) - 1} more" if len(error.findings) > 1 else ""
        return [
            INVENTORY.seen(
                f"{error.findings[0]}{more}", Change(path, "(see docs/how-to/manage-inventory.md)")
            )
        ]
    return [right(f"{path}: {len(inventory.anis)} numbers")]


async def _pbxes(config: Configuration) -> Iterable[Finding]:
    if config.loaded.settings.ami:
        return []
    raise NotExaminedError("Asterisk and its dialplan: the configuration has no [ami.NAME] to look through")


CHECKS: tuple[Check[Configuration], ...] = (
    Check("config", Part.CONFIG, _settings, (WRONG, WARNED, NO_FILE)),
    Check("config.reports", Part.CONFIG, _reports, (NO_REPORTS,)),
    Check("config.inventory", Part.CONFIG, _inventory, (INVENTORY,)),
    Check("config.pbxes", Part.CONFIG, _pbxes, ()),
)
