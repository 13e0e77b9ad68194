from pathlib import Path

from gateway.config.toml_file import find_file, key_lines


def test_each_key_has_the_line_it_stands_on() -> None:
    text = '# top\n[agi]\nlisten = [\n  "a = b",\n]\npbx_id = "x" # y = z\n[campaigns."c 12"]\n"name" = "n"\n'
    assert key_lines(text) == {
        ("agi",): 2,
        ("agi", "listen"): 3,
        ("agi", "pbx_id"): 6,
        ("campaigns", "c 12"): 7,
        ("campaigns", "c 12", "name"): 8,
    }


def test_dotted_keys_are_found() -> None:
    assert key_lines("agi.listen = []\n  log . level = 'info'") == {("agi", "listen"): 1, ("log", "level"): 2}


def test_the_file_asked_for_wins_over_the_variable() -> None:
    assert find_file(Path("a"), {"ANI_GATEWAY_CONFIG": "b"}) == Path("a")
    assert find_file(None, {"ANI_GATEWAY_CONFIG": "b"}) == Path("b")
