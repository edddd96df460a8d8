"""Sequential Reptile: one inner trajectory through all tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mtlbench.interface import Method, hookimpl
from mtlbench_methods._outer_loop import OuterLoop

if TYPE_CHECKING:
    from mtlbench.interface import GoldenBench, GoldenCase, GradientOracle

__all__ = ["SequentialReptile"]


@dataclass
class SequentialReptile(OuterLoop):
    """Inner steps that wander from task to task, so that the outer step rewards agreement between them.

    Source: Lee et al. 2022, Algorithm 1: t_k ~ Cat(p), one optimizer step on the next batch of t_k, K times; then
    phi <- phi - eta (phi - theta(K)). Departures: the inner optimizer's state persists unless told otherwise, which
    makes K = 1, eta = 1 ordinary training; a round cut short by the budget makes its outer step with what it has.
    """

    name = "sequential-reptile"
    label = "Seq. Reptile"
    paper = "Lee et al., Sequential Reptile: Inter-Task Gradient Alignment for Multilingual Learning, 2022"
    unused_protocol = frozenset({"rows", "draws", "reduction"})

    sampler: Literal["categorical", "epoch"] = "categorical"
    """Tasks of the inner steps: independent draws by p_t (Algorithm 1), or shuffled passes over all tasks (drawn
    without replacement by p_t), one after the other and cut at K."""

    def step(self, oracle: GradientOracle) -> None:
        eta = self.rate(oracle)
        tasks = self._passes(oracle) if self.sampler == "epoch" else self._draws(oracle)
        with oracle.branch(fresh=self.inner_state == "reset") as branch:
            for _ in oracle.take(self.inner_steps):
                oracle.descend(oracle.draw(task=next(tasks)))
        oracle.move(branch.delta, eta)

    def _draws(self, oracle: GradientOracle) -> Iterator[str]:
        while True:
            yield from oracle.pick(1, distinct=False)

    def _passes(self, oracle: GradientOracle) -> Iterator[str]:
        """From the method's own generator: where all tasks fit into one step, ``pick`` need not shuffle them."""
        import torch

        p = torch.tensor([task.probability for task in oracle.tasks], dtype=torch.float64)
        while True:
            order = torch.multinomial(p, len(p), replacement=False, generator=oracle.generator).tolist()
            yield from (oracle.tasks[place].name for place in order)

    @classmethod
    def replay(cls, case: GoldenCase, bench: GoldenBench) -> Mapping[str, Any]:
        from mtlbench_methods._quadratics import quadratic_losses, task_name

        rounds = case.inputs["rounds"]
        visits = [(task_name(task), batch) for visited in rounds for task, batch in visited]
        losses = quadratic_losses(case.inputs["problem"])
        method = _Scripted(eta=case.params["eta"], inner_state=case.params["inner_state"])
        method.script = map(len, rounds)
        path = bench.train(
            method,
            losses,
            case.inputs["phi"],
            steps=len(rounds),
            optimizer=case.params["inner_optimizer"],
            picks=[[task] for task, _ in visits],
            batches={name: [batch for task, batch in visits if task == name] for name in losses},
            budget=len(visits),
        )
        ends = [branches[0] for branches in path.ends]
        return {
            "rounds": [{"end": end, "phi": phi} for end, phi in zip(ends, path.phi, strict=True)],
            "gradient_count": path.gradients,
        }


class _Scripted(SequentialReptile):
    """Rounds of scripted lengths."""

    script: Iterator[int]

    def step(self, oracle: GradientOracle) -> None:
        self.inner_steps = next(self.script)
        super().step(oracle)


@hookimpl
def mtlbench_methods() -> list[type[Method]]:
    return [SequentialReptile]
