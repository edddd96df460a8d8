"""What every command line has in common: how commands are found, what mistakes look like, how it ends."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import mtlbench
from mtlbench import cli
from mtlbench.cli import main
from mtlbench.cli.parsing import commands
from mtlbench.cli.session import config_from

PLUGIN = """
from dataclasses import dataclass
from mtlbench import Method, hookimpl

@dataclass
class Filed(Method):
    name = "filed"

@hookimpl
def mtlbench_methods():
    return [Filed]
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "filed.py"
    path.write_text(PLUGIN)
    return str(path)


def test_help_lists_every_command_with_a_line(capsys):
    assert main(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, line in commands().items():
        assert f" {name} {line}" in text


@pytest.mark.parametrize("name", ["list", "plugins", "show", "new", "run", "leaderboard"])
def test_every_command_has_help_with_the_options_of_all(name, capsys):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: mtlbench {name}")
    assert "--strict-plugins" in text
    assert "--version" in text


def command_modules():
    modules = [importlib.import_module(f"mtlbench.cli.{info.name}") for info in pkgutil.iter_modules(cli.__path__)]
    return [module for module in modules if hasattr(module, "NAME")]


def test_the_commands_are_the_modules_that_have_a_name_and_a_line():
    assert commands() == {module.NAME: module.HELP for module in command_modules()}
    assert not [line for line in commands().values() if "\n" in line]


def test_the_file_of_a_command_is_called_like_the_command():
    for module in command_modules():
        assert module.__name__ == f"mtlbench.cli.{module.NAME.replace('-', '_')}"


def test_every_option_of_every_command_has_a_help_line():
    for command in command_modules():
        parser = argparse.ArgumentParser()
        command.configure(parser)
        for action in parser._actions:
            assert action.help, f"{command.NAME} {action.option_strings or action.dest}"


@pytest.mark.parametrize("words", [["--version"], ["list", "--version"], ["--version", "list"]])
def test_the_version_can_be_asked_anywhere(words, capsys):
    assert main(words) == 0
    assert capsys.readouterr().out == f"mtlbench {mtlbench.__version__}\n"


def test_without_a_command_the_help_is_on_stderr(capsys):
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("usage: mtlbench")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lits"], "no command is called 'lits'; did you mean 'list'?"),
        (["session"], "no command is called 'session'"),
        (["../list"], "no command is called '../list'"),
        (["list", "--jsno"], "unexpected '--jsno'; did you mean '--json'? (see mtlbench list --help)"),
        (["list", "--js"], "unexpected '--js'"),
        (["list", "methods", "suites"], "unexpected 'suites'"),
        (["list", "method"], "invalid choice: 'method'"),
        (["list", "-p"], "argument -p/--plugin: expected one argument"),
        (["--strict-plugin"], "unexpected '--strict-plugin'; did you mean '--strict-plugins'?"),
        (["show"], "NAME|KEY"),
        (["list", "-p", "no:nothing-like-it"], "no plugin is called 'nothing-like-it'"),
        (["list", "-p", "absent.py"], "absent.py"),
    ],
)
def test_misuse_is_one_line_and_exits_2(words, message, capsys):
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("mtlbench: error: ")
    assert told.err.count("\n") == 1
    assert message in told.err


@pytest.mark.parametrize("words", [["-p", "{}", "list", "methods"], ["list", "-p", "{}", "methods"]])
def test_options_of_all_commands_stand_on_either_side(words, plugin, capsys):
    assert main([word.format(plugin) for word in words]) == 0
    assert "filed.py" in capsys.readouterr().out


def test_plugin_options_on_both_sides_add_up(plugin, capsys):
    assert main(["-p", plugin, "list", "-p", "no:stl", "methods"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "filed" in names
    assert "stl" not in names


def test_a_broken_plugin_is_one_line_on_stderr(tmp_path, capsys):
    path = tmp_path / "sick.py"
    path.write_text("raise OSError('no\\nlicence')\n")
    assert main(["list", "-p", str(path)]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "sick" in line]
    assert lines == ["mtlbench: warning: plugin 'sick' of sick.py is quarantined: OSError: no licence (sick.py:1)"]


def test_strictness_makes_a_broken_plugin_an_error(tmp_path, capsys):
    path = tmp_path / "sick.py"
    path.write_text("raise OSError('no licence')\n")
    assert main(["list", "-p", str(path), "--strict-plugins"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "plugin 'sick' of sick.py is quarantined: OSError: no licence" in told.err


def test_an_interrupt_exits_130_without_a_traceback(monkeypatch, capsys):
    def interrupted(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("mtlbench.cli.plugins.run", interrupted)
    assert main(["plugins"]) == 130
    assert capsys.readouterr().err == "mtlbench: interrupted\n"


def test_a_closed_pipe_is_quiet():
    script = "import sys; from mtlbench.cli import main; sys.stdin.read(); sys.exit(main(['list', '--json']))"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.stdin.close()
    told = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 141
    assert "Broken" not in told
    assert "Traceback" not in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mtlbench", "list"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (ended.returncode, ended.stderr) == (2, b"mtlbench: error: No space left on device\n")


def test_the_module_runs_like_the_script():
    told = subprocess.run(
        [sys.executable, "-m", "mtlbench", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout == f"mtlbench {mtlbench.__version__}\n"


def test_the_config_holds_what_was_asked_with_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTLBENCH_DATA_ROOT", "data")
    args = argparse.Namespace(results="out", plugins=["work.py", "no:stl"], strict_plugins=True, device="cuda:1")
    config = config_from(args)
    assert config.results == tmp_path / "out"
    assert config.data_root == tmp_path / "data"
    assert config.plugins == (str(tmp_path / "work.py"), "no:stl")
    assert (config.strict_plugins, config.device, config.threads) == (True, "cuda:1", 1)
    assert config_from(argparse.Namespace(data_root=Path("other"))).data_root == tmp_path / "other"


LIGHT = {
    "help": ["--help"],
    "list": ["list"],
    "list as JSON": ["list", "--json"],
    "plugins": ["plugins"],
    "show": ["show", "mtl"],
    "leaderboard": ["leaderboard", "--check", "--results", "{}", "--out", "{}"],
}


@pytest.mark.parametrize("words", LIGHT.values(), ids=LIGHT)
def test_what_only_looks_imports_nothing_heavy(words, tmp_path):
    script = (
        "import sys; from mtlbench.cli import main; code = main(sys.argv[1:]);"
        "heavy = {'torch', 'transformers', 'datasets', 'sklearn', 'scipy', 'pandas', 'rich', 'matplotlib'};"
        "print('heavy:', *sorted(heavy & set(sys.modules)), 'code:', code)"
    )
    command = [sys.executable, "-c", script, *(word.format(tmp_path) for word in words)]
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=True)
    assert told.stdout.splitlines()[-1].startswith("heavy: code: "), told.stdout + told.stderr
