"""The settings from all sources, or every problem that was found in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from gateway.config import checks, forms, reference, secret_files, sources
from gateway.config.checks import Purpose
from gateway.config.problems import ConfigError, Problem
from gateway.config.schema import Entry, Parts, find, repeated_section
from gateway.config.settings import Settings
from gateway.config.sources import Flag, Given, Layer
from gateway.config.toml_file import find_file, read_file
from gateway.config.values import WrongValueError, from_text, kind, read, shown


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings and where they came from."""

    settings: Settings
    file: Path | None
    """The TOML file that was read, or `None` when there is none."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Path of a setting to the place that gave it; a setting not in here has its default."""
    warnings: tuple[str, ...] = ()


def load(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Iterable[Flag] = (),
    purpose: Purpose = Purpose.CALLS,
) -> Loaded:
    """Read the file, the environment and the flags; the later one wins. Raises `ConfigError`.

    `file` is what `--config` names; `None` searches the usual places. `purpose` says what must be complete.
    """
    loaded, problems = load_what_can_be(file=file, environ=environ, flags=flags, purpose=purpose)
    if problems:
        raise ConfigError(problems)
    return loaded


def load_what_can_be(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Iterable[Flag] = (),
    purpose: Purpose = Purpose.CALLS,
) -> tuple[Loaded, list[Problem]]:
    """As `load`, and every problem instead of an error: what is wrong has its default. For looking only."""
    environ = environ or {}
    found = find_file(file, environ)
    from_file = _file_layer(found)
    layers = [from_file, sources.from_environment(environ, from_file.declared), sources.from_flags(flags)]
    reading = _Reading()
    for layer in layers:
        reading.take(layer)
    settings = reading.build(Settings, ())
    if not any(problem.path == str(found) for problem in reading.problems):
        wrong = {problem.path.removesuffix("_file") for problem in reading.problems}
        reading.problems += checks.across(settings, purpose, wrong=wrong, origins=reading.origins)
    return Loaded(settings, found, reading.origins, tuple(reading.warnings)), reading.problems


def _file_layer(file: Path | None) -> Layer:
    if file is None:
        return Layer()
    try:
        return sources.from_file(file, *read_file(file))
    except ConfigError as error:
        return Layer(problems=list(error.problems))


class _Reading:
    """One run through the sources, gathering values and problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.origins: dict[str, str] = {}
        self._given: dict[Parts, Given] = {}
        self._declared: list[Parts] = []

    def take(self, layer: Layer) -> None:
        """Lay `layer` over what was given before."""
        self.problems += layer.problems
        self._declared += layer.declared
        in_layer: dict[Parts, Given] = {}
        for given in layer.given:
            if given.parts in in_layer and given.is_file_name != in_layer[given.parts].is_file_name:
                path = ".".join(given.parts)
                hint = f"keep either {path} or {path}_file"
                self.problems.append(
                    Problem(path, "is given twice, as text and as a file", given.origin, hint)
                )
            in_layer[given.parts] = given
        self._given.update(in_layer)

    def build(self, section: type[Any], prefix: Parts) -> Any:
        """`section` from the values given for it; what is missing or wrong has its default."""
        values, hints = {}, get_type_hints(section)
        for each in fields(section):
            hint, parts = hints[each.name], (*prefix, each.name)
            if is_dataclass(hint) and isinstance(hint, type):
                values[each.name] = self.build(hint, parts)
            elif (repeated := repeated_section(hint)) is not None:
                values[each.name] = {
                    name: self.build(repeated, (*parts, name)) for name in self._names(parts)
                }
            elif (given := self._given.get(parts)) is not None:
                self._read_into(values, given)
        return section(**values)

    def _names(self, parts: Parts) -> list[str]:
        """The names of the sections that stand below `parts`, in the order they were given."""
        depth = len(parts)
        below = [
            each for each in [*self._declared, *self._given] if len(each) > depth and each[:depth] == parts
        ]
        return list(dict.fromkeys(each[depth] for each in below))

    def _read_into(self, values: dict[str, Any], given: Given) -> None:
        entry = find(given.parts)
        if entry is None:
            raise AssertionError(given.parts)  # `Layer.add` keeps only what the schema knows
        try:
            value = self._value(given, entry)
        except WrongValueError as error:
            self.problems.append(_wrong(given, entry, error))
        except ConfigError as error:
            self.problems += error.problems
        else:
            values[given.parts[-1]] = value
            self.origins[".".join(given.parts)] = given.origin

    def _value(self, given: Given, entry: Entry) -> Any:
        raw: object = given.raw
        if given.is_file_name:
            raw = secret_files.read_secret(given, entry)
            self.warnings += filter(None, [secret_files.exposure(str(given.raw))])
        if (given.is_text or given.is_file_name) and isinstance(raw, str):
            raw = from_text(raw, entry.hint)
        value = read(raw, entry.hint, entry.choices)
        forms.check(value, entry)
        return value


def _wrong(given: Given, entry: Entry, error: WrongValueError) -> Problem:
    found = f"{kind(error.found)} (not shown)" if entry.secret else shown(error.found)
    message = f"expected {error.expected}, found {found}"
    help_text = f"{entry.what} Default: {reference.written(entry.default)}"
    hint = help_text if entry.secret else error.hint or help_text
    return Problem(".".join(given.parts), message, given.origin, hint)
