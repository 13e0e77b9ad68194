from datetime import date
from pathlib import Path

import pytest

from gateway.engine.inventory import SAMPLE, InventoryError, read_inventory
from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType
from gateway.model.phone import PhoneNumber


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def findings(path: Path) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        read_inventory(path)
    return [finding.replace(str(path), "F") for finding in caught.value.findings]


def test_yaml_holds_everything(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "all.yaml",
        "campaigns:\n- {id: 9001, name: Sales, type: outbound, inbound_pool_id: 0815}\n"
        "dispos:\n- id: d1\n  name: Sale\n  type: Agent\n  contact: yes\n  success: false\n"
        "anis:\n- {number: 5611234567, country_code: +1, inbound_group_id: c1, is_branded: true,\n"
        "   brand_name: X, carrier_id: k, paused_until: 2026-05-01}\n- number: (555) 123-4567\n",
    )
    inventory = read_inventory(path)
    assert inventory.campaigns == (Campaign("9001", "Sales", CampaignType.OUTBOUND, "0815"),)
    assert inventory.dispos == (Dispo("d1", "Sale", DispoType.AGENT, contact=True, success=False),)
    assert inventory.anis == (
        Ani(
            PhoneNumber("+15611234567"), "c1", is_branded=True, brand_name="X", paused_until=date(2026, 5, 1)
        ),
        Ani(PhoneNumber("+15551234567")),
    )


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv_holds_anis_as_spreadsheets_write_them(tmp_path: Path, delimiter: str) -> None:
    lines = ["Number,Country_Code,inbound_group_id", "(561) 123-4567,+1,c1", "", "020 7946 0100,44,"]
    content = "\ufeff" + "\r\n".join(lines).replace(",", delimiter)
    assert read_inventory(written(tmp_path, "anis.csv", content)).anis == (
        Ani(PhoneNumber("+15611234567"), "c1"),
        Ani(PhoneNumber("+442079460100")),
    )


def test_every_bad_row_of_a_csv_is_reported_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "anis.csv",
        "number,country_code,is_branded,paused_until\n"
        "5611234567,+1,true,\n"
        "5.61E+09,+1,,\n"
        "5611234568,+49,,\n"
        "5611234569,+1,perhaps,\n"
        "5611234560,+1,,tomorrow\n"
        "561-123-4567,+1,,\n"
        ",+1,,\n"
        "5611234561,+1,,,,\n",
    )
    found = findings(path)
    assert [finding.split(": ")[0] for finding in sorted(found)] == [f"F:{line}" for line in range(3, 10)]
    text = "\n".join(found)
    for mend in ("format the column as text", "write +1 or +44", "write one of them", "write YYYY-MM-DD"):
        assert mend in text
    assert "F:7: +15611234567 stands on line 2 already; keep one" in found


def test_every_bad_entry_of_a_yaml_is_reported_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "all.yaml",
        "campaigns:\n- {id: c1, name: Sales, type: Sideways}\n- {id: c2, type: Inbound}\n"
        "anis:\n- {number: 5611234567, colour: red}\n- just text\n- {number: [1, 2]}\nnumbers: []\n",
    )
    known = "number, country_code, inbound_group_id, is_branded, brand_name, carrier_id, paused_until"
    assert set(findings(path)) == {
        'F:2: type "Sideways" is unknown; write Inbound, Outbound, Blended',
        "F:3: name is missing; give it a value",
        f'F:5: unknown field "colour"; known are {known}',
        'F:6: expected "name: value" pairs; write them so',
        "F:7: a field stands twice or holds a list; write each field once, with one value",
        'F:8: unknown section "numbers"; known are campaigns, dispos, anis',
    }


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", "phone,zip\n1,2\n", "F:1: no column number"),
        ("a.csv", "number,number\n1,2\n", "F:1: column number stands twice"),
        ("a.csv", "number,inbound_group\n1,2\n", 'F:1: unknown field "inbound_group"'),
        ("a.csv", "", "F:1: no column number"),
        ("a.csv", 'number\n"561\n', "F:2: unexpected end of data"),
        ("a.csv", b"number\n\xff\xfe\n", "F:2: is not UTF-8"),
        ("a.yaml", "anis:\n - {number: 1\n", "F:3: is not YAML"),
        ("a.yaml", "anis: {number: 1}\n", "F:1: expected a list"),
        ("a.yaml", "- anis\n", 'F:1: expected "name: value" pairs'),
        ("a.json", "{}", "F: unknown kind of file"),
    ],
)
def test_file_that_makes_no_sense_is_told_in_one_line(
    tmp_path: Path, name: str, content: str | bytes, what: str
) -> None:
    found = findings(written(tmp_path, name, content))
    assert len(found) == 1
    assert found[0].startswith(what)


def test_missing_file_is_told(tmp_path: Path) -> None:
    assert findings(tmp_path / "none.csv") == ["F: cannot be read: No such file or directory"]


def test_long_list_of_faults_is_cut(tmp_path: Path) -> None:
    found = findings(written(tmp_path, "anis.csv", "number\n" + "12\n" * 60))
    assert len(found) == 51
    assert found[-1] == "and 10 more"


def test_empty_yaml_is_an_empty_inventory(tmp_path: Path) -> None:
    assert read_inventory(written(tmp_path, "a.yaml", "# nothing yet\n")).anis == ()


def test_yaml_that_refers_to_itself_does_no_harm(tmp_path: Path) -> None:
    assert findings(written(tmp_path, "a.yaml", "anis: &a\n- *a\n"))


def test_shipped_sample_covers_every_state_with_fictitious_numbers() -> None:
    inventory = read_inventory(SAMPLE)
    assert "9001" in {campaign.id for campaign in inventory.campaigns}
    assert len(inventory.dispos) > 5
    assert len(inventory.anis) >= 600
    american = [ani.number.national for ani in inventory.anis if ani.country_code == "+1"]
    assert {number[3:8] for number in american} == {"55501"}
    assert {"800", "888"} <= {number[:3] for number in american}
