"""Laws about methods and suites alike: their settings, and what importing them costs."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

from mtlbench.interface.errors import BadSetting
from mtlbench.interface.settings import build, parse_spec, settings_of, spec_text, values_of
from mtlbench.testing.laws import Law, NotTried, Subject, demand

__all__ = ["LIGHT_IMPORT", "SETTINGS"]

_HEAVY = ("torch", "transformers", "datasets", "sklearn")

_WATCHED_IMPORT = f"""
import sys
from importlib import util
name, path = sys.argv[1:]
if "." not in name and util.find_spec(name) is None:
    spec = util.spec_from_file_location(name, path)
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
else:
    __import__(name)
print(" ".join(heavy for heavy in {_HEAVY!r} if heavy in sys.modules))
"""


def _settings(subject: Subject) -> None:
    """Values leave as JSON and come back, from JSON and from text; a name that nobody knows is refused."""
    made = subject.make()
    demand(dataclasses.is_dataclass(made), f"{subject.cls.__name__} is no dataclass")
    for setting in settings_of(subject.cls):
        demand(bool(setting.help), f"setting {setting.name!r} has no help: write a docstring under the field")
    values = values_of(made)
    owner = f"{subject.kind} {subject.cls.name}"
    through_json = values_of(build(subject.cls, json.loads(json.dumps(values)), owner))
    demand(through_json == values, f"settings {values} come back from JSON as {through_json}")
    name, texts = parse_spec(spec_text(subject.cls.name, values))
    through_text = values_of(build(subject.cls, texts, owner))
    demand((name, through_text) == (subject.cls.name, values), f"settings {values} come back as {through_text}")
    try:
        build(subject.cls, {"no such setting": 1}, owner)
    except BadSetting:
        return
    demand(False, "a setting that does not exist is accepted")


def _light_import(subject: Subject) -> None:
    module = subject.cls.__module__
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or file is None or not Path(file).is_file():
        raise NotTried("its module is no file")
    found = subprocess.run(
        [sys.executable, "-c", _WATCHED_IMPORT, module, file], capture_output=True, text=True, check=False
    )
    demand(found.returncode == 0, f"its module cannot be imported alone: {found.stderr.strip()[-200:]}")
    heavy = found.stdout.split()
    demand(not heavy, f"importing its module imports {', '.join(heavy)}: import them inside functions")


SETTINGS: Law[Subject] = Law(
    "settings", "Settings have help, and survive the way to JSON, to text and back.", _settings
)
LIGHT_IMPORT: Law[Subject] = Law(
    "light-import",
    f"Importing its module imports none of {', '.join(_HEAVY)}.",
    _light_import,
    applies=lambda subject: subject.installed,
)
