"""``mtlbench new``: what it writes, what it refuses, and that the result is a working distribution."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import tomllib

import pytest

from mtlbench.cli import main


def new(kind, name, folder):
    assert main(["new", kind, name, "--out", str(folder)]) == 0
    return folder / f"mtlbench-{name}"


@pytest.mark.parametrize("kind", ["method", "suite"])
def test_it_says_where_and_what_to_run_next(kind, tmp_path, capsys):
    folder = new(kind, "my-thing", tmp_path)
    out = capsys.readouterr().out
    assert out.startswith(f"{folder}\nnext: pip install -e {folder}\n")
    assert "mtlbench show my-thing" in out


@pytest.mark.parametrize("kind", ["method", "suite"])
def test_the_entry_point_names_a_module_that_offers_it(kind, tmp_path, capsys):
    folder = new(kind, "2nd-try", tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "mtlbench-2nd-try"
    assert project["entry-points"]["mtlbench"] == {"2nd-try": "mtlbench_2nd_try"}
    capsys.readouterr()
    words = ["list", f"{kind}s", "--json", "--strict-plugins", "-p", str(folder / "src/mtlbench_2nd_try.py")]
    assert main([*words, "-p", "no:mtlbench"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)[f"{kind}s"]
    assert entry["name"] == "2nd-try"
    assert all(setting["help"] for setting in entry["settings"])


def test_a_new_method_is_at_most_25_lines(tmp_path):
    folder = new("method", "my-thing", tmp_path)
    assert len((folder / "src/mtlbench_my_thing.py").read_text().splitlines()) <= 25


def test_it_makes_the_folder_to_write_into(tmp_path):
    assert (new("method", "my-thing", tmp_path / "a" / "b") / "README.md").is_file()


def test_it_overwrites_nothing(tmp_path, capsys):
    folder = new("method", "my-thing", tmp_path)
    (folder / "pyproject.toml").write_text("mine")
    assert main(["new", "suite", "my-thing", "--out", str(tmp_path)]) == 2
    assert f"{folder} exists already" in capsys.readouterr().err
    assert (folder / "pyproject.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method", "My-Method"], "'My-Method' cannot be a name"),
        (["method", "my_method"], "'my_method' cannot be a name"),
        (["suite", "../up"], "'../up' cannot be a name"),
        (["method", ""], "'' cannot be a name"),
        (["method", "mtl"], "method 'mtl' is offered by mtlbench already"),
        (["suite", "methods"], "a module mtlbench_methods is installed already"),
        (["probe", "x"], "invalid choice: 'probe'"),
    ],
)
def test_names_that_cannot_work_are_refused(words, message, tmp_path, capsys):
    assert main(["new", *words, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["new", "method", "my-thing", "--out", str(tmp_path / "file")]) == 2
    assert "choose another --out" in capsys.readouterr().err.splitlines()[-1]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The interpreter of a new virtual environment that sees what this one has installed."""
    for tool in ("pip", "setuptools"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed, and fetching it would need the network")
    if int(importlib.metadata.version("setuptools").partition(".")[0]) < 77:
        pytest.skip("building needs setuptools 77 or newer, and fetching it would need the network")
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    (site,) = folder.glob("lib/python*/site-packages")
    lines = [f"import site; site.addsitedir({path!r})" for path in sys.path if path.endswith("site-packages")]
    (site / "parent.pth").write_text("\n".join(lines) + "\n")
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["method", "suite"])
def test_the_distribution_installs_editable_is_listed_and_passes_its_own_test(kind, tmp_path, environment):
    folder = new(kind, f"fresh-{kind}", tmp_path)

    def python(*words):
        command = [str(environment), *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pip = [sys.executable, "-m", "pip", "--python", str(environment), "install", "--quiet", "--no-deps", "--no-index"]
    install = [*pip, "--no-build-isolation", "--editable", str(folder)]
    done = subprocess.run(install, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    listed = json.loads(python("-m", "mtlbench", "list", f"{kind}s", "--json"))[f"{kind}s"]
    entry = next(entry for entry in listed if entry["name"] == f"fresh-{kind}")
    assert (entry["distribution"], entry["distribution_version"]) == (f"mtlbench-fresh-{kind}", "0.1.0")
    assert " passed" in python("-m", "pytest", "-q", str(folder))
