"""``mtlbench list``, ``plugins`` and ``show``, on what is installed and on files of one's own."""

from __future__ import annotations

import json

import pytest

from mtlbench.cli import main
from mtlbench.testing.records import made_up_record, store_records

PLUGIN = '''
from __future__ import annotations
from dataclasses import dataclass
from typing import Literal
from mtlbench import Method, Recommendation, Suite, TrainingProtocol, hookimpl

@dataclass
class Odd(Method):
    """An odd method.

    With a longer story.
    """
    name = "odd"
    label = "Odd one"
    paper = "Nobody, 1999"
    version = "7"
    control = True
    unused_protocol = frozenset({"rows"})
    strength: float | None = None
    """How strong."""
    mode: Literal["up", "down"] = "up"

@dataclass
class Island(Suite):
    """An island."""
    name = "island"
    size: int = 3
    @property
    def protocol(self):
        return TrainingProtocol(budget=77)
    def recommended(self, method):
        return Recommendation({"strength": 0.5}, {"lr": 0.1}) if method == "odd" else Recommendation()

@dataclass
class Shut(Suite):
    """A suite that cannot tell its protocol."""
    name = "shut"
    password: str
    @property
    def protocol(self):
        raise RuntimeError("no")

@hookimpl
def mtlbench_methods():
    return [Odd]

@hookimpl
def mtlbench_suites():
    return [Island, Shut]
'''


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "odd_things.py"
    path.write_text(PLUGIN)
    return ["-p", str(path)]


def told(capsys, *words):
    assert main(list(words)) == 0
    return capsys.readouterr()


def test_list_has_a_table_for_each_kind(capsys, plugin):
    text = told(capsys, "list", *plugin).out
    assert [block.split()[0] for block in text.split("\n\n")] == ["METHODS", "SUITES", "EXECUTORS", "PROBES"]
    (row,) = [line for line in text.splitlines() if line.startswith("odd ")]
    assert row.split("  ")[0] == "odd"
    for word in ("Odd one", "odd_things.py", "yes", "strength, mode"):
        assert word in row


def test_list_of_one_kind_is_that_table(capsys, plugin):
    text = told(capsys, "list", "suites", *plugin).out
    assert text.startswith("SUITES")
    assert "METHODS" not in text


def test_a_kind_of_which_there_is_nothing_says_so(capsys):
    assert told(capsys, "list", "methods", "-p", "no:mtlbench").out == "methods: none installed\n"


def test_list_as_json_describes_settings_and_origin(capsys, plugin):
    methods = json.loads(told(capsys, "list", "methods", "--json", *plugin).out)["methods"]
    (odd,) = [method for method in methods if method["name"] == "odd"]
    assert odd == {
        "name": "odd",
        "label": "Odd one",
        "version": "7",
        "settings": [
            {"name": "strength", "type": "float | none", "help": "How strong.", "required": False, "default": None},
            {"name": "mode", "type": "up | down", "help": "", "required": False, "default": "up"},
        ],
        "distribution": "odd_things.py",
        "distribution_version": "",
        "plugin": "odd_things",
        "paper": "Nobody, 1999",
        "control": True,
        "unused_protocol": ["rows"],
    }


def test_list_as_json_tells_the_protocol_of_suites(capsys, plugin):
    suites = {suite["name"]: suite for suite in json.loads(told(capsys, "list", "--json", *plugin).out)["suites"]}
    assert suites["island"]["protocol"]["budget"] == 77
    assert suites["island"]["embedded"] is False
    assert suites["shut"]["settings"] == [{"name": "password", "type": "str", "help": "", "required": True}]


def test_what_a_plugin_cannot_tell_is_null_and_one_warning(capsys, plugin):
    out, err = told(capsys, "list", "suites", "--json", *plugin)
    shut = next(suite for suite in json.loads(out)["suites"] if suite["name"] == "shut")
    assert shut["protocol"] is None
    (line,) = [line for line in err.splitlines() if "shut" in line]
    assert line.startswith("mtlbench: warning: plugin 'odd_things' of odd_things.py: the protocol of 'shut' cannot be")


def test_everything_installed_describes_its_settings(capsys):
    out, err = told(capsys, "list", "--json")
    assert "cannot be told" not in err
    for entries in json.loads(out).values():
        for entry in entries:
            assert entry["distribution"]
            assert all(setting["help"] for setting in entry["settings"]), entry["name"]


def test_plugins_tells_the_state_of_each(capsys, plugin, tmp_path):
    (tmp_path / "sick.py").write_text("raise OSError('no licence')\n")
    words = ["plugins", *plugin, "-p", str(tmp_path / "sick.py"), "-p", "no:stl"]
    out, err = told(capsys, *words)
    assert err == ""
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "loaded       method odd; suite island, shut" in rows["odd_things"]
    assert "quarantined  OSError: no licence (sick.py:1)" in rows["sick"]
    assert rows["stl"].endswith("blocked      by -p no:stl")


def test_plugins_as_json(capsys, plugin):
    found = json.loads(told(capsys, "plugins", "--json", *plugin, "-p", "no:mtlbench").out)
    assert found["interface"] == 1
    states = {it["name"]: it for it in found["plugins"]}
    assert states["odd_things"]["offers"] == {"methods": ["odd"], "suites": ["island", "shut"]}
    assert states["odd_things"]["hooks"] == ["mtlbench_methods", "mtlbench_suites"]
    assert states["mtl"]["state"] == "blocked"
    assert states["mtl"]["reason"] == "by -p no:mtlbench"


def test_strict_plugins_prints_the_list_and_exits_2(capsys, tmp_path):
    (tmp_path / "sick.py").write_text("raise OSError('no licence')\n")
    assert main(["plugins", "--strict-plugins", "-p", str(tmp_path / "sick.py")]) == 2
    out, err = capsys.readouterr()
    assert "quarantined" in out
    assert "no licence" in err


def test_show_a_method_tells_docstring_settings_origin_and_recommendations(capsys, plugin):
    text = told(capsys, "show", "odd", *plugin).out
    assert text.startswith("method odd: Odd one, version 7\n\nAn odd method.\n\nWith a longer story.\n")
    assert "\npaper: Nobody, 1999\nprovided by: odd_things.py\nplugin: odd_things\nsource: " in text
    assert "\ncontrol: yes\n" in text
    assert "strength  float | none  none     How strong." in text
    assert text.endswith("island  strength=0.5, lr=0.1\n")


def test_show_a_suite_tells_its_protocol(capsys, plugin):
    text = told(capsys, "show", "island", *plugin).out
    assert "suite island: island, version 1" in text
    assert "budget 77" in [" ".join(line.split()) for line in text.splitlines()]
    assert "\nodd     strength=0.5, lr=0.1\n" in text


def test_show_as_json(capsys, plugin):
    (about,) = json.loads(told(capsys, "show", "odd", "--json", *plugin).out)
    assert (about["kind"], about["name"], len(about["source"])) == ("method", "odd", 64)
    assert about["recommended"] == {"island": {"settings": {"strength": 0.5}, "protocol": {"lr": 0.1}}}


def test_show_an_unknown_name_suggests_over_all_kinds(capsys, plugin):
    assert main(["show", "islant", *plugin]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert "no method, suite, executor or probe is called 'islant'; did you mean 'island'?" in err


def test_show_everything_that_is_installed(capsys):
    listed = json.loads(told(capsys, "list", "--json").out)
    for entries in listed.values():
        for entry in entries:
            assert f"{entry['name']}: {entry['label']}" in told(capsys, "show", entry["name"]).out


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    records = [made_up_record("mtl[rows=1]", {"a": 80.25, "b": None}), made_up_record("stl", status="diverged")]
    store_records(records, folder)
    return folder, records


def test_show_a_record_by_the_beginning_of_its_key(capsys, results):
    folder, (record, _) = results
    text = told(capsys, "show", record["key"][:8], "--results", str(folder)).out
    assert text.startswith(f"record: {record['key']}\nfile: {folder}/digits/mtl/{record['key']}.json\nstatus: done\n")
    assert "method: mtl[rows=1] (version 1)" in text
    assert "budget=1600" in text
    assert "80.25" in text


def test_show_a_diverged_record_says_when_and_why(capsys, results):
    folder, (_, record) = results
    text = told(capsys, "show", record["key"].upper()[:12], "--results", str(folder)).out
    assert "diverged: a loss is nan after 1600 gradients" in text


def test_show_a_record_as_json_is_the_record(capsys, results):
    folder, (record, _) = results
    assert json.loads(told(capsys, "show", record["key"], "--json", "--results", str(folder)).out) == record


def test_show_a_key_that_no_record_has(capsys, results):
    assert main(["show", "0123456789", "--results", str(results[0])]) == 2
    assert "has a key that begins with '0123456789'" in capsys.readouterr().err.splitlines()[-1]


def test_show_a_record_that_was_changed_names_its_file(capsys, results):
    folder, (record, _) = results
    path = folder / "digits" / "mtl" / f"{record['key']}.json"
    path.write_text(path.read_text().replace("80.25", "90.25"))
    assert main(["show", record["key"], "--results", str(folder)]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert str(path) in err
    assert "digest" in err
