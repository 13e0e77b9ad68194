"""What one setting demands of another."""

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from importlib.util import find_spec

from gateway.admin.settings import is_loopback
from gateway.agi.settings import CallerIdName
from gateway.config.problems import Problem
from gateway.config.schema import entries
from gateway.config.settings import Settings
from gateway.model.decision import Source
from gateway.stores.redis_settings import fault_of


class Purpose(StrEnum):
    """What the settings are to be used for; each needs others to be complete."""

    CALLS = "calls"
    """Deciding calls, as `serve` does."""
    API = "api"
    """Serving the engine over HTTP."""
    DIALS = "dials"
    """Looking into the spool, as `dials` does: it must be possible while other parts are being mended."""
    MANAGE = "manage"
    """Managing an inventory; what the one that is asked for needs, it says when it is opened."""
    OUTDIALS = "outdials"
    """Speaking with VoIPBin, as `outdials` does."""


def across(
    settings: Settings, purpose: Purpose, *, wrong: Collection[str], origins: Mapping[str, str]
) -> list[Problem]:
    """Problems between settings. Those of a path in `wrong` are left out: it is to be mended first."""
    found = (finding for check in _CHECKS[purpose] for finding in check(settings))
    return [
        Problem(path, message, origins.get(path, "default"), hint)
        for path, others, message, hint in found
        if not {path, *others} & set(wrong)
    ]


Finding = tuple[str, tuple[str, ...], str, str]
"""Path, the other paths it depends on, message, hint."""


def _times(settings: Settings) -> Iterator[Finding]:
    assignment, agi = settings.assignment, settings.agi
    if assignment.deadline_s >= agi.session_timeout_s:
        yield (
            "assignment.deadline_s",
            ("agi.session_timeout_s",),
            f"{assignment.deadline_s:g} s is not below agi.session_timeout_s, {agi.session_timeout_s:g} s",
            "the answer must reach Asterisk before the session ends; half of the session is a good deadline",
        )
    if assignment.breaker_open_s > assignment.breaker_max_open_s:
        yield (
            "assignment.breaker_open_s",
            ("assignment.breaker_max_open_s",),
            f"{assignment.breaker_open_s:g} s is above breaker_max_open_s",
            "the first rest cannot be longer than the longest",
        )


def _texts(settings: Settings) -> Iterator[Finding]:
    if settings.agi.caller_id_name is CallerIdName.FIXED and not settings.agi.fixed_name:
        yield (
            "agi.fixed_name",
            ("agi.caller_id_name",),
            "is empty while caller_id_name is fixed",
            "write the name",
        )


def _providers(settings: Settings) -> Iterator[Finding]:
    asked = dict.fromkeys(settings.assignment.providers, "assignment.providers")
    for name, campaign in settings.campaigns.items():
        asked |= {
            source: f"campaigns.{name}.providers" for source in campaign.providers if source not in asked
        }
    for source, where in asked.items():
        if source is Source.ENGINE:
            yield from _inventory(settings, where)
        else:
            yield from _secrets(getattr(settings, source.value), source, where)


def _secrets(section: object, source: Source, where: str) -> Iterator[Finding]:
    for entry in entries():
        if entry.secret and entry.parts[0] == source.value and not getattr(section, entry.parts[-1]):
            hint = (
                f"set {entry.environment}, write {entry.path}_file into the file, "
                f'or choose another provider: assignment.providers = ["engine"]'
            )
            yield entry.path, (where,), f"is missing, and {where} asks {source.value}", hint


def _dials(settings: Settings) -> Iterator[Finding]:
    """Each target needs its account; a PBX that is listened to needs a target and a secret."""
    needs = {
        "outboundiq": ("outboundiq.key", settings.outboundiq.key),
        "outboundani": ("outboundani_results.company_guid", settings.outboundani_results.company_guid),
        "engine": ("engine.database", settings.engine.database),
        "file": ("dials_file.path", settings.dials_file.path),
    }
    for target in settings.dials.targets:
        path, value = needs[target]
        if not value:
            hint = f"set {path}, or take {target} out of dials.targets"
            yield path, ("dials.targets",), f"is missing, and dials.targets sends to {target}", hint
    if settings.ami and not settings.dials.targets:
        hint = 'say where the records go: dials.targets = ["outboundiq"]'
        yield "dials.targets", (), f"is empty, and [ami.{next(iter(settings.ami))}] listens for calls", hint
    for name, link in settings.ami.items():
        if not link.secret:
            path = f"ami.{name}.secret"
            yield path, (), "is missing", f"write {path}_file into the file, or set the environment variable"


def _admin(settings: Settings) -> Iterator[Finding]:
    """Who reaches the admin listener can choose what calls show."""
    listen, token = settings.admin.listen, settings.admin.token
    if listen and not token and not is_loopback(listen.rpartition(":")[0]):
        hint = (
            "make one: openssl rand -hex 32 > admin.token; chmod 640 admin.token; then set "
            'admin.token_file = "admin.token", or listen on 127.0.0.1'
        )
        yield "admin.token", ("admin.listen",), "is missing, and admin.listen is not loopback", hint


def _owned(settings: Settings) -> Iterator[Finding]:
    if settings.assignment.only_owned:
        yield from _inventory(settings, "assignment.only_owned")


def _inventory(settings: Settings, where: str) -> Iterator[Finding]:
    if not settings.engine.inventory and not settings.engine.database:
        hint = "name a YAML or CSV file with your numbers"
        yield "engine.inventory", (where, "engine.database"), f"is missing, and {where} needs it", hint


def _workers(settings: Settings) -> Iterator[Finding]:
    """Processes can share an inventory and its counters in a file only."""
    if settings.service.workers > 1 and settings.engine.inventory and not settings.engine.database:
        hint = "name a file, such as /var/lib/ani-gateway/engine.db, or set service.workers = 1"
        others = ("service.workers", "engine.inventory")
        yield "engine.database", others, "is missing, and the workers count the numbers' uses in it", hint


def _redis(settings: Settings) -> Iterator[Finding]:
    """The address of what is shared, and the driver for it."""
    url = settings.redis.url
    if not url:
        return
    if fault := fault_of(url):
        hint = (
            "write redis://HOST:PORT/0; a user goes into redis.username, a password into redis.password_file"
        )
        yield "redis.url", (), fault, hint
    elif find_spec("redis") is None:
        yield "redis.url", (), "needs the driver for Redis", "pip install 'ani-gateway[redis]'"


def _api(settings: Settings) -> Iterator[Finding]:
    yield from _inventory(settings, "the engine's API")
    if not (settings.api.keys or any(one.key for one in settings.api_keys.values())):
        hint = (
            "make a key: openssl rand -hex 32 > api.key; chmod 640 api.key; "
            "then give it: --set api.keys_file=api.key"
        )
        yield "api.keys", (), "is missing, and without a key the API would be open to everybody", hint


def _webhooks(settings: Settings) -> Iterator[Finding]:
    """A subscriber needs an address, and a secret to know us by."""
    for name, webhook in settings.webhooks.items():
        if not webhook.url:
            yield f"webhooks.{name}.url", (), "is missing", "write the address that takes the POST"
        if not webhook.secret:
            path = f"webhooks.{name}.secret"
            hint = f"make one: openssl rand -hex 32 > webhook.secret; then name it as {path}_file"
            yield path, (), "is missing", hint


def _voipbin(settings: Settings) -> Iterator[Finding]:
    token = settings.voipbin.token
    if not token:
        hint = (
            "get a token (POST /auth/login) or an access key (GET /accesskeys) from VoIPBin, "
            "write voipbin.token_file into the file, or set ANI_GATEWAY_VOIPBIN_TOKEN"
        )
        yield "voipbin.token", (), "is missing, and outdials speaks with VoIPBin", hint
    elif not (token.isascii() and token.isprintable()) or " " in token:
        yield "voipbin.token", (), "has a character no token has (not shown)", "copy the token again"


def _api_in_serve(settings: Settings) -> Iterator[Finding]:
    if settings.api.in_serve:
        yield from _api(settings)


_CHECKS: dict[Purpose, tuple[Callable[[Settings], Iterator[Finding]], ...]] = {
    Purpose.CALLS: (
        _times,
        _texts,
        _providers,
        _owned,
        _dials,
        _admin,
        _api_in_serve,
        _webhooks,
        _workers,
        _redis,
    ),
    Purpose.API: (_api, _webhooks, _redis),
    Purpose.DIALS: (),
    Purpose.MANAGE: (),
    Purpose.OUTDIALS: (_voipbin,),
}
