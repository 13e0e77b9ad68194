from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.agi.settings import CallerIdName
from gateway.config.checks import Purpose
from gateway.config.load import Loaded, load
from gateway.config.problems import ConfigError, Problem
from gateway.config.settings import Settings
from gateway.config.sources import Flag
from gateway.model.decision import Source
from gateway.model.phone import PhoneFormat

KEY = {"ANI_GATEWAY_OUTBOUNDIQ_KEY": "s3cret-value"}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file is also searched in the working directory; here there is none."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text: str) -> Path:
    path = Path("gateway.toml")
    path.write_text(text)
    return path


def loaded(text: str = "", environ: dict[str, str] | None = None, flags: Sequence[Flag] = ()) -> Loaded:
    return load(file=written(text), environ=KEY | (environ or {}), flags=flags)


def problems(
    text: str = "", environ: dict[str, str] | None = None, flags: Sequence[Flag] = ()
) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, environ, flags)
    return list(caught.value.problems)


def only_problem(text: str = "", environ: dict[str, str] | None = None) -> Problem:
    found = problems(text, environ)
    assert len(found) == 1, found
    return found[0]


def test_nothing_given_but_the_key_is_the_defaults() -> None:
    settings = load(environ=KEY).settings
    assert settings.agi == Settings().agi
    assert settings.assignment == Settings().assignment


def test_each_type_is_read_from_the_file() -> None:
    settings = loaded(
        """
        [agi]
        listen = ["0.0.0.0:4573", "[::1]:4573"]
        session_timeout_s = 2
        max_connections = 7
        caller_id_name = "clear"
        [assignment]
        batching = false
        fallback = ["default"]
        [campaigns.c12]
        caller_id_format = "e164"
        """
    ).settings
    assert settings.agi.listen == ("0.0.0.0:4573", "[::1]:4573")
    assert settings.agi.session_timeout_s == 2.0
    assert isinstance(settings.agi.session_timeout_s, float)
    assert settings.agi.max_connections == 7
    assert settings.agi.caller_id_name is CallerIdName.CLEAR
    assert settings.assignment.batching is False
    assert settings.assignment.fallback == (Source.DEFAULT,)
    assert settings.campaigns["c12"].caller_id_format is PhoneFormat.E164


def test_each_type_is_read_from_the_environment() -> None:
    settings = loaded(
        environ={
            "ANI_GATEWAY_AGI_LISTEN": "127.0.0.1:1, 127.0.0.1:2",
            "ANI_GATEWAY_AGI_MAX_CONNECTIONS": "7",
            "ANI_GATEWAY_ASSIGNMENT_BATCHING": "no",
            "ANI_GATEWAY_ASSIGNMENT_DEADLINE_S": "0.5",
            "ANI_GATEWAY_ASSIGNMENT_DIAL_PREFIXES": "",
            "ANI_GATEWAY_ASSIGNMENT_FALLBACK": '["stale", "default"]',
        }
    ).settings
    assert settings.agi.listen == ("127.0.0.1:1", "127.0.0.1:2")
    assert settings.agi.max_connections == 7
    assert settings.assignment.batching is False
    assert settings.assignment.deadline_s == 0.5
    assert settings.assignment.dial_prefixes == ()
    assert settings.assignment.fallback == (Source.STALE, Source.DEFAULT)


def test_environment_wins_over_file_and_a_flag_over_both() -> None:
    text = "[agi]\nmax_connections = 1\nmax_environment_lines = 33\npbx_id = 'file'"
    environ = {"ANI_GATEWAY_AGI_MAX_CONNECTIONS": "2", "ANI_GATEWAY_AGI_PBX_ID": "environment"}
    result = loaded(text, environ, [Flag("--set agi.pbx_id", "agi.pbx_id", "flag")])
    agi = result.settings.agi
    assert (agi.max_environment_lines, agi.max_connections, agi.pbx_id) == (33, 2, "flag")
    assert result.origins["agi.max_environment_lines"] == "gateway.toml:3"
    assert result.origins["agi.max_connections"] == "environment ANI_GATEWAY_AGI_MAX_CONNECTIONS"
    assert result.origins["agi.pbx_id"] == "flag --set agi.pbx_id"


def test_a_wrong_value_that_a_flag_replaces_does_no_harm() -> None:
    text = "[agi]\nmax_connections = -1"
    flag = Flag("--set agi.max_connections", "agi.max_connections", "5")
    assert loaded(text, flags=[flag]).settings.agi.max_connections == 5


def test_an_empty_campaign_section_makes_a_campaign() -> None:
    assert list(loaded("[campaigns.c12]\n[campaigns.13]").settings.campaigns) == ["c12", "13"]


def test_a_variable_in_capitals_finds_the_campaign_of_the_file() -> None:
    settings = loaded("[campaigns.spring]", {"ANI_GATEWAY_CAMPAIGNS_SPRING_NAME": "Spring"}).settings
    assert {name: each.name for name, each in settings.campaigns.items()} == {"spring": "Spring"}


def test_a_campaign_of_a_flag_may_have_dots_in_its_name() -> None:
    flag = Flag("--set", "campaigns.us.east.name", "East")
    assert loaded(flags=[flag]).settings.campaigns["us.east"].name == "East"


def test_an_unknown_key_is_named_with_line_and_likely_meaning() -> None:
    problem = only_problem('[agi]\nlissten = ["127.0.0.1:4573"]')
    assert problem.line == "agi.lissten: unknown setting (gateway.toml:2)"
    assert problem.hint == "did you mean agi.listen?"


def test_an_unknown_key_that_lives_in_another_section_is_sent_there() -> None:
    assert only_problem("[agi]\ncache_ttl_s = 3").hint == "did you mean assignment.cache_ttl_s?"


def test_an_unknown_section_is_named_once_with_its_likely_meaning() -> None:
    problem = only_problem("[asignment]\ndeadline_s = 1\nbatching = true")
    assert problem.line == "asignment: unknown section (gateway.toml:1)"
    assert problem.hint == "did you mean assignment?"


def test_an_unknown_variable_is_named_with_its_likely_meaning() -> None:
    problem = only_problem(environ={"ANI_GATEWAY_LOG_LEVEEL": "info"})
    assert problem.path == "ANI_GATEWAY_LOG_LEVEEL"
    assert problem.hint == "did you mean ANI_GATEWAY_LOG_LEVEL?"


def test_an_unknown_flag_path_is_named() -> None:
    found = problems(flags=[Flag("--set agi.port", "agi.port", "1")])
    assert found[0].line == "agi.port: unknown setting (flag --set agi.port)"


def test_a_setting_where_a_section_belongs_is_told() -> None:
    assert only_problem("agi = 4").message == "is a section, not a setting"


@pytest.mark.parametrize(
    ("path", "raw", "message"),
    [
        ("agi.max_connections", "true", "expected a whole number, found true"),
        ("agi.max_connections", "1.5", "expected a whole number, found 1.5"),
        ("agi.max_connections", '"5"', 'expected a whole number, found "5"'),
        ("agi.max_connections", "0", "expected at least 1, found 0"),
        ("agi.pbx_id", "5", "expected text, found 5"),
        ("agi.listen", '"127.0.0.1:1"', 'expected a list of texts, found "127.0.0.1:1"'),
        ("agi.listen", '["4573"]', 'expected HOST:PORT, found "4573"'),
        ("agi.listen", '["::1:4573"]', 'expected HOST:PORT, found "::1:4573"'),
        ("agi.listen", '["a:70000"]', 'expected HOST:PORT, found "a:70000"'),
        ("agi.allow", '["10.0.0.1/8"]', 'expected a network (CIDR), found "10.0.0.1/8"'),
        ("agi.presentation", '"x"', 'expected one of keep, allowed, prohibited, found "x"'),
        ("assignment.deadline_s", "90", "expected at most 30 s, found 90"),
        ("assignment.cache_ttl_s", "nan", 'expected a number that is not infinite, found "nan"'),
        ("assignment.deadline_s", "12:00:00", 'expected a number, found "12:00:00"'),
        ("assignment.default_ani", '"555"', 'expected a phone number, found "555"'),
        ("assignment.do_not_call", '["900"]', 'expected an E.164 prefix, found "900"'),
        ("assignment.emergency", '["9-1-1"]', 'expected digits to dial, found "9-1-1"'),
        (
            "assignment.providers",
            '["cache"]',
            'expected one of outboundiq, outboundani, engine, found "cache"',
        ),
        ("outboundiq.url", '"api.example"', 'expected a URL, found "api.example"'),
        ("engine.inventory", '"none.yaml"', 'expected a file that can be read, found "none.yaml"'),
    ],
)
def test_a_wrong_value_is_one_line_with_path_and_place(path: str, raw: str, message: str) -> None:
    section, key = path.split(".")
    problem = only_problem(f"[{section}]\n{key} = {raw}")
    assert problem.line == f"{path}: {message} (gateway.toml:2)"
    assert problem.hint


def test_a_word_nearly_right_is_told_which_was_meant() -> None:
    assert only_problem('[assignment]\nproviders = ["engin"]').hint == 'did you mean "engine"?'


def test_a_number_in_quotes_is_told_how_to_be_written() -> None:
    assert only_problem('[agi]\nmax_connections = "5"').hint == "write it without quotes: 5"


def test_text_that_is_no_number_in_the_environment_is_a_problem() -> None:
    problem = only_problem(environ={"ANI_GATEWAY_AGI_MAX_CONNECTIONS": "many"})
    assert problem.message == 'expected a whole number, found "many"'
    assert problem.origin == "environment ANI_GATEWAY_AGI_MAX_CONNECTIONS"


def test_all_problems_are_reported_together() -> None:
    text = "[agi]\nlissten = 1\nmax_connections = 0\n[assignment]\nbreaker_open_s = 60\n[logs]\n"
    paths = [problem.path for problem in problems(text, {"ANI_GATEWAY_X": "1"})]
    wrong = {"ANI_GATEWAY_X", "agi.lissten", "agi.max_connections", "assignment.breaker_open_s", "logs"}
    assert sorted(paths) == sorted(wrong)


def test_a_syntax_error_names_the_line_and_does_not_hide_the_environment() -> None:
    found = problems("[agi]\nlisten = oops", {"ANI_GATEWAY_X": "1"})
    assert found[0].path == "gateway.toml"
    assert found[0].origin == "line 2"
    assert [problem.path for problem in found] == ["gateway.toml", "ANI_GATEWAY_X"]


def test_a_file_that_is_not_there_is_a_problem() -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load(file=Path("none.toml"), environ=KEY)


def test_a_file_that_is_not_text_is_a_problem() -> None:
    Path("binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(file=Path("binary.toml"), environ=KEY)


def test_the_file_is_found_by_variable_then_in_the_working_directory() -> None:
    Path("ani-gateway.toml").write_text("[agi]\npbx_id = 'here'")
    Path("other.toml").write_text("[agi]\npbx_id = 'other'")
    assert load(environ=KEY).settings.agi.pbx_id == "here"
    assert load(environ=KEY | {"ANI_GATEWAY_CONFIG": "other.toml"}).settings.agi.pbx_id == "other"


def test_a_missing_key_of_a_provider_in_use_is_a_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={})
    (problem,) = caught.value.problems
    assert problem.line == "outboundiq.key: is missing, and assignment.providers asks outboundiq (default)"
    assert "ANI_GATEWAY_OUTBOUNDIQ_KEY" in problem.hint


def test_a_missing_key_of_a_campaigns_provider_is_a_problem() -> None:
    Path("numbers.yaml").touch()
    text = '[assignment]\nproviders = ["engine"]\n[engine]\ninventory = "numbers.yaml"\n'
    load(file=written(text), environ={})
    with pytest.raises(ConfigError, match=r"outboundiq\.key: is missing, and campaigns\.c1\.providers"):
        load(file=written(text + '[campaigns.c1]\nproviders = ["outboundiq"]'), environ={})


def test_an_engine_without_numbers_is_a_problem() -> None:
    assert only_problem('[assignment]\nproviders = ["engine"]').path == "engine.inventory"


def test_outboundani_needs_its_key_wherever_it_is_asked() -> None:
    problem = only_problem('[assignment]\nproviders = ["outboundiq", "outboundani"]')
    assert problem.line == "outboundani.key: is missing, and assignment.providers asks outboundani (default)"
    assert "ANI_GATEWAY_OUTBOUNDANI_KEY" in problem.hint
    alone = '[assignment]\nproviders = ["outboundani"]\n[outboundani]\nkey = "k"'
    assert load(file=written(alone), environ={}).settings.outboundani.key == "k"


def test_a_guard_by_inventory_needs_one() -> None:
    assert only_problem("[assignment]\nonly_owned = true").path == "engine.inventory"


def test_the_api_needs_numbers_and_a_key_and_no_provider() -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={}, purpose=Purpose.API)
    assert [problem.path for problem in caught.value.problems] == ["engine.inventory", "api.keys"]
    environ = {"ANI_GATEWAY_API_KEYS": "k", "ANI_GATEWAY_ENGINE_DATABASE": "numbers.db"}
    assert load(environ=environ, purpose=Purpose.API).settings.api.keys == ("k",)


@pytest.mark.parametrize(
    ("token", "message"),
    [("", "is missing"), ("two words", "has a character"), ("t\u00f6ken", "has a character")],
)
def test_outdials_need_a_token_and_nothing_else(token: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={"ANI_GATEWAY_VOIPBIN_TOKEN": token} if token else {}, purpose=Purpose.OUTDIALS)
    assert [problem.path for problem in caught.value.problems] == ["voipbin.token"]
    assert caught.value.problems[0].message.startswith(message)
    assert "words" not in caught.value.problems[0].line
    environ = {"ANI_GATEWAY_VOIPBIN_TOKEN": "good"}
    assert load(environ=environ, purpose=Purpose.OUTDIALS).settings.voipbin.token == "good"


def test_a_deadline_the_session_cannot_hold_is_a_problem() -> None:
    problem = only_problem("[assignment]\ndeadline_s = 2")
    assert (
        problem.line
        == "assignment.deadline_s: 2 s is not below agi.session_timeout_s, 1.5 s (gateway.toml:2)"
    )


def test_a_fixed_name_must_be_given() -> None:
    assert only_problem("[agi]\ncaller_id_name = 'fixed'").path == "agi.fixed_name"


def test_a_secret_may_stand_in_a_file_of_its_own() -> None:
    Path("iq.key").write_text("from-file\n")
    Path("iq.key").chmod(0o640)
    result = load(file=written('[outboundiq]\nkey_file = "iq.key"'))
    assert result.settings.outboundiq.key == "from-file"
    assert result.warnings == ()


def test_a_list_of_secrets_in_a_file_has_one_a_line() -> None:
    Path("keys").write_text("one\n\n two \n")
    assert loaded(environ={"ANI_GATEWAY_API_KEYS_FILE": "keys"}).settings.api.keys == ("one", "two")
    assert loaded('[api]\nkeys_file = "keys"').settings.api.keys == ("one", "two")


def test_a_secret_everybody_can_read_is_warned_of() -> None:
    Path("iq.key").write_text("from-file\n")
    Path("iq.key").chmod(0o644)
    (warning,) = load(environ={"ANI_GATEWAY_OUTBOUNDIQ_KEY_FILE": "iq.key"}).warnings
    assert warning == "iq.key can be read by every user; run: chmod 640 iq.key"


def test_a_secret_given_as_text_and_as_file_is_a_problem() -> None:
    Path("iq.key").write_text("x")
    problem = only_problem('[outboundiq]\nkey = "a"\nkey_file = "iq.key"', {})
    assert problem.message == "is given twice, as text and as a file"


@pytest.mark.parametrize(("content", "message"), [("", "is empty"), ("x" * 70_000, "is larger than")])
def test_a_secret_file_without_a_secret_is_a_problem(content: str, message: str) -> None:
    Path("iq.key").write_text(content)
    with pytest.raises(ConfigError, match=rf"outboundiq\.key_file: iq\.key {message}"):
        load(environ={"ANI_GATEWAY_OUTBOUNDIQ_KEY_FILE": "iq.key"})


def test_a_secret_file_that_is_not_there_is_one_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={"ANI_GATEWAY_OUTBOUNDIQ_KEY_FILE": "none.key"})
    (problem,) = caught.value.problems
    assert problem.message == "none.key cannot be read: No such file or directory"


@pytest.mark.parametrize("raw", ["12345", '["12345"]', "{ a = 12345 }"])
def test_a_secret_of_the_wrong_type_is_not_shown(raw: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file=written(f"[outboundiq]\nkey = {raw}"))
    (problem,) = caught.value.problems
    assert "12345" not in problem.line + problem.hint


def test_an_admin_listener_off_loopback_needs_a_token() -> None:
    problem = only_problem('[admin]\nlisten = "0.0.0.0:4580"')
    assert problem.line == "admin.token: is missing, and admin.listen is not loopback (default)"
    assert loaded('[admin]\nlisten = "0.0.0.0:4580"\ntoken = "t"').settings.admin.token == "t"
    assert loaded('[admin]\nlisten = "127.0.0.1:4580"').settings.admin.token == ""


def test_a_webhook_needs_an_address_and_a_secret() -> None:
    found = problems("[webhooks.screen]\nmax_batch = 5\n", KEY)
    assert {"webhooks.screen.url", "webhooks.screen.secret"} <= {problem.path for problem in found}
