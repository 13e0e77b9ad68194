"""What a reload may change: the settings wanted, held against those in force. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.config.effective import leaves
from gateway.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Fixed:
    """Settings that stay as they are until the next start."""

    path: str
    """A section, or one setting."""
    why: str


NEEDS_RESTART = (
    Fixed("agi.listen", "an address that is closed resets the calls in its queue"),
    Fixed("service.workers", "which processes there are, and their share of the calls, follows from it"),
    Fixed("spool", "records wait in its file, and only one process may have it open"),
    Fixed("engine", "all parts choose from the same numbers and add up their uses together"),
    Fixed("redis", "what the engine has told one Redis, another does not know"),
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a reload comes to."""

    settings: Settings
    """To be in force from now on."""
    changed: tuple[str, ...]
    """Paths that are not as before."""
    kept: tuple[str, ...]
    """Paths that stay as before, against the wish: they need a restart."""


def merge(in_force: Settings, wanted: Settings) -> Merged:
    """`wanted`, but for what needs a restart, which stays as it is in force."""
    settings = wanted
    for fixed in NEEDS_RESTART:
        settings = _keep(fixed.path, in_force, settings)
    if bool(in_force.dials.targets) != bool(wanted.dials.targets):
        # Whether there is reporting at all: the spool is opened, and the verb `report` is there, or not.
        settings = _keep("dials.targets", in_force, settings)
    return Merged(settings, tuple(_differing(in_force, settings)), tuple(_differing(settings, wanted)))


def _keep(path: str, in_force: Settings, settings: Settings) -> Settings:
    section, _, name = path.partition(".")
    kept = getattr(in_force, section)
    if name:
        kept = replace(getattr(settings, section), **{name: getattr(kept, name)})
    return replace(settings, **{section: kept})


def _differing(one: Settings, other: Settings) -> Iterator[str]:
    """Paths of settings that are in one only, or not the same in both."""
    ours, theirs = dict(leaves(one)), dict(leaves(other))
    for parts in ours | theirs:
        if parts not in ours or parts not in theirs or ours[parts] != theirs[parts]:
            yield ".".join(parts)
