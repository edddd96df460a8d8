"""Reptile: move towards the mean of independently fine-tuned copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mtlbench.interface import Method, hookimpl
from mtlbench_methods._outer_loop import OuterLoop

if TYPE_CHECKING:
    from mtlbench.interface import Branch, Delta, GoldenBench, GoldenCase, GradientOracle, TrainingProtocol

__all__ = ["Reptile"]


@dataclass
class Reptile(OuterLoop):
    """Every drawn task fine-tunes a copy of its own for K steps; phi moves towards the mean of the copies.

    Source: Nichol et al. 2018, in the form of Eq. 2, 3 of Lee et al. 2022: all R copies start at the same phi, and
    phi <- phi - eta mean_r (phi - theta_r(K)). Departures: the R tasks of a joint step take part, not all T; a round
    that the budget cuts short gives each of its tasks an equal share of what is left.
    """

    name = "reptile"
    label = "Reptile"
    paper = "Nichol et al., On First-Order Meta-Learning Algorithms, 2018"
    scale = "mean"
    unused_protocol = frozenset({"reduction"})

    inner_state: Literal["reset", "persist"] = "reset"
    """Whether every inner run starts with a new optimizer, or each task keeps one that waits while it is absent."""

    def round_cost(self, protocol: TrainingProtocol) -> int:
        return self.inner_steps * protocol.rows

    def step(self, oracle: GradientOracle) -> None:
        oracle.move(self._copies(oracle, oracle.pick()), self.rate(oracle))

    def _copies(self, oracle: GradientOracle, tasks: Sequence[str]) -> Iterator[Delta]:
        for task, steps in zip(tasks, self._shares(oracle.remaining, len(tasks)), strict=False):
            with self._branch(oracle, task) as copy:
                for _ in oracle.take(steps):
                    oracle.descend(oracle.draw(task=task))
            yield copy.delta

    def _branch(self, oracle: GradientOracle, task: str) -> AbstractContextManager[Branch]:
        return oracle.branch(fresh=True) if self.inner_state == "reset" else oracle.branch(task)

    def _shares(self, remaining: int, rows: int) -> list[int]:
        """Inner steps per copy: K each, or equal shares of the gradients left; copies without a step are left out."""
        share, rest = divmod(min(remaining, rows * self.inner_steps), rows)
        return [share + 1] * rest + [share] * (rows - rest if share else 0)

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        from mtlbench_methods._quadratics import quadratic_losses, task_name

        rounds = case.inputs["rounds"]
        losses = quadratic_losses(case.inputs["problem"])
        batches: dict[str, list[int]] = {name: [] for name in losses}
        for drawn in rounds:
            for task, numbers in zip(drawn["tasks"], drawn["batches"], strict=True):
                batches[task_name(task)] += numbers
        method = _Scripted(eta=case.params["eta"], inner_state=case.params["inner_state"])
        method.script = iter([[len(numbers) for numbers in drawn["batches"]] for drawn in rounds])
        path = bench.train(
            method,
            losses,
            case.inputs["phi"],
            steps=len(rounds),
            optimizer=case.params["inner_optimizer"],
            picks=[[task_name(task) for task in drawn["tasks"]] for drawn in rounds],
            batches=batches,
            budget=sum(map(len, batches.values())),
        )
        return {
            "rounds": [{"ends": ends, "phi": phi} for ends, phi in zip(path.ends, path.phi, strict=True)],
            "gradient_count": path.gradients,
        }


class _Scripted(Reptile):
    """Inner runs of scripted lengths."""

    script: Iterator[list[int]]

    def _shares(self, remaining: int, rows: int) -> list[int]:
        return next(self.script)


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [Reptile]
