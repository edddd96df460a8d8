"""The laws as tests, for a plugin's own test suite.

In its ``conftest.py``: ``pytest_plugins = ["mtlbench.testing.pytest_plugin"]``. Then::

    @pytest.mark.mtlbench("my-method", "my-method[beta=0]")
    def test_my_method_keeps_the_laws(mtlbench_law):
        mtlbench_law.check()

is one test per law and subject. A subject is the name of an installed method or suite, with settings in brackets if
wanted, or a class that is not installed; without the mark, all installed methods are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mtlbench.plugins import Registry
    from mtlbench.testing.laws import Law, Subject

__all__ = ["LawCase", "mtlbench_law", "mtlbench_registry"]

_FIXTURE = "mtlbench_law"


@dataclass(frozen=True)
class LawCase:
    """One law, to be tried on one subject."""

    law: Law[Any]
    subject: Subject

    def check(self) -> None:
        """Fail the test if the law is broken; skip it if the subject is exempt, or the law says nothing about it."""
        from mtlbench.testing.laws import try_law

        verdict = try_law(self.law, self.subject)
        if verdict.outcome == "FAILED":
            pytest.fail(f"{verdict}\n{self.law.statement}", pytrace=False)
        if verdict.outcome != "ok":
            pytest.skip(str(verdict))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mtlbench(*subjects): methods and suites whose laws the test tries")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if _FIXTURE in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("mtlbench")
        cases = list(_cases(mark.args if mark else None))
        metafunc.parametrize(_FIXTURE, cases, ids=[f"{case.subject.name}-{case.law.name}" for case in cases])


@pytest.fixture(scope="session")
def mtlbench_registry() -> Registry:
    """All that is installed."""
    from mtlbench.plugins import load_registry

    return load_registry()


@pytest.fixture
def mtlbench_law(request: pytest.FixtureRequest) -> LawCase:
    """One law and one subject; call its ``check``."""
    return request.param  # type: ignore[no-any-return]


def _cases(wanted: tuple[Any, ...] | None) -> Iterator[LawCase]:
    from mtlbench.plugins import load_registry
    from mtlbench.testing.subjects import laws_of, subject_of, uninstalled

    registry = load_registry()
    for one in registry.methods if wanted is None else wanted:
        subject = subject_of(one, registry) if isinstance(one, str) else uninstalled(one)
        for law in laws_of(subject):
            yield LawCase(law, subject)
