"""What the documents claim, they keep: nothing undocumented, every example valid, every link good."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.config import reference
from gateway.config.load import load
from gateway.config.schema import entries
from gateway.model import variables
from gateway.model.decision import Reason, Source, Status

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("asterisk-config/**/*.md"),
        *ROOT.glob("loadtest/*.md"),
    ]
)
TEXT = {page: page.read_text() for page in PAGES}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(rf"{BLOCK.pattern}|`[^`\n]*`", BLOCK.flags)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
REFERENCE = ROOT / "docs/reference"


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Each code block of a language, with a name for the test."""
    for page, text in TEXT.items():
        for number, match in enumerate(BLOCK.finditer(text), 1):
            if match[1] == language:
                yield f"{page.relative_to(ROOT)}-{number}", match[2]


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


COMMANDS = dict(commands(main, "ani-gateway"))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_configuration_page_is_what_the_command_prints() -> None:
    """Renew it: ani-gateway config reference --format markdown > docs/reference/configuration.md."""
    assert (REFERENCE / "configuration.md").read_text() == reference.as_markdown()


def test_every_setting_is_on_the_configuration_page() -> None:
    page = (REFERENCE / "configuration.md").read_text()
    assert [entry.path for entry in entries() if f"\n### {entry.path}\n" not in page] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_on_the_commands_page(name: str) -> None:
    page = (REFERENCE / "commands.md").read_text()
    _, heading, rest = page.partition(f"\n## {name}\n")
    assert heading, f"no heading for {name}"
    own = rest.partition("\n## ")[0]
    shared = page.partition("\n## Options for the configuration\n")[2].partition("\n## ")[0]
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            text = own if parameter.name not in {"config", "set"} else shared
            assert any(f"`{option}" in text for option in parameter.opts), f"{name} {parameter.opts}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    page = (REFERENCE / "commands.md").read_text()
    assert set(re.findall(r"^## (ani-gateway .+)$", page, re.MULTILINE)) == set(COMMANDS)


def channel_variables() -> list[str]:
    constants = vars(variables).items()
    return [
        value for name, value in constants if name.isupper() and name[0] != "_" and isinstance(value, str)
    ]


@pytest.mark.parametrize(
    "word", [*channel_variables(), *Status, *Source, *(reason for reason in Reason if reason)]
)
def test_every_word_the_dialplan_can_meet_is_documented(word: str) -> None:
    page = (REFERENCE / "dialplan.md").read_text()
    assert f"`{word}`" in page or f"`{word.removesuffix('(num)')}" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", TEXT[page])):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def named_files(section: dict[str, Any]) -> Iterator[str]:
    """The files a configuration wants to be there."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from named_files(value)
        elif key.endswith("_file") or key == "inventory":
            yield value


TOML_BLOCKS = list(blocks("toml"))


@pytest.mark.parametrize(("name", "text"), TOML_BLOCKS, ids=[name for name, _ in TOML_BLOCKS])
def test_every_toml_example_is_a_valid_configuration(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files an example names are made, and a key is there, as an example may be part of a whole."""
    monkeypatch.chdir(tmp_path)
    text = text.replace("/etc/ani-gateway/", f"{tmp_path}/")
    for name_of_file in named_files(tomllib.loads(text)):
        Path(name_of_file).parent.mkdir(parents=True, exist_ok=True)
        Path(name_of_file).write_text("content")
    file = tmp_path / "example.toml"
    file.write_text(text)
    assert load(file=file, environ={"ANI_GATEWAY_OUTBOUNDIQ_KEY": "key"}).origins, name


def test_every_yaml_example_is_yaml() -> None:
    for name, text in blocks("yaml"):
        assert isinstance(yaml.safe_load(text), dict), name


def shell_lines() -> Iterator[tuple[str, list[str]]]:
    for name, text in blocks("sh"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield name, words


def gateway_commands() -> list[tuple[str, list[str]]]:
    found = []
    for name, words in shell_lines():
        at = next((place for place, word in enumerate(words) if Path(word).name == "ani-gateway"), None)
        if at is not None:
            arguments = words[at + 1 :]
            cut = next((place for place, word in enumerate(arguments) if word in {">", "|", "&", "&&"}), None)
            found.append((name, arguments[:cut]))
    return found


@pytest.mark.parametrize(("name", "arguments"), gateway_commands(), ids=" ".join)
def test_every_command_in_the_documents_parses(name: str, arguments: list[str]) -> None:
    """`--help` last: the options are read, nothing runs."""
    if arguments == ["--version"]:
        return
    result = CliRunner().invoke(main, [*arguments, "--help"])
    assert result.exit_code == 0, f"{name}: {result.output}"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_in_the_documents_exists() -> None:
    without_variables = ([word for word in words if "=" not in word] for _, words in shell_lines())
    in_blocks = {words[-1] for words in without_variables if words[0] == "make"}
    inline = {
        target for text in TEXT.values() for target in re.findall(r"`(?:\w+=\S+ )?make ([a-z-]+)`", text)
    }
    assert in_blocks | inline >= {"run", "test", "check"}
    assert in_blocks | inline <= make_targets()


def test_every_source_file_in_the_documents_exists() -> None:
    folders = "(?:gateway|tests|loadtest|docs|asterisk-config)"
    anywhere = re.compile(rf"(?<![\w/.-])({folders}/[\w./-]+\.\w+)\b")
    in_backticks = re.compile(rf"`({folders}/[\w./-]+)`")
    prose = TEXT.values()
    named = {path for text in prose for path in (*anywhere.findall(text), *in_backticks.findall(text))}
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


SETTING = re.compile(r"`(?:[a-z]+)\.[a-z_]+`")


def test_every_setting_the_documents_name_exists() -> None:
    sections = {entry.parts[0] for entry in entries()}
    known = {f"`{entry.path}`" for entry in entries()}
    known |= {f"`{entry.path}_file`" for entry in entries() if entry.secret}
    prose = [text for page, text in TEXT.items() if page.name not in {"ARCHITECTURE.md", "CONTRIBUTING.md"}]
    named = {word for text in prose for word in SETTING.findall(text) if word[1:].split(".")[0] in sections}
    assert named - known == set()


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[><=\[; ]", each)[0] for each in project["dependencies"]]


def test_every_dependency_has_its_paragraph() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"^\*\*([\w-]+)\*\* ", page, re.MULTILINE)
    assert sorted(named) == sorted(dependencies())


def test_changelog_has_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## .*\b{re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


# Put together here, so that this file does not hold what it forbids.
FORBIDDEN = re.compile("|".join(["/wo" + "rk/", "/ho" + "me/", "py" + "pi", "pythonho" + "sted"]))


def tracked_texts() -> Iterator[Path]:
    for folder in ("gateway", "tests", "docs", "asterisk-config", "loadtest", ".ci"):
        yield from (
            path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md", ".conf", ".sql"}
        )
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix in {".md", ".toml", ".txt"})
    yield ROOT / "Makefile"


def test_nothing_names_a_developers_machine_or_a_package_host() -> None:
    found = {path: FORBIDDEN.findall(path.read_text(errors="replace")) for path in tracked_texts()}
    assert {str(path): words for path, words in found.items() if words} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path in (ROOT / "gateway").rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
