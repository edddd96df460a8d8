"""Written for a plugin interface that this mtlbench does not have."""

from __future__ import annotations

from mtlbench import hookimpl

mtlbench_interface = 99


@hookimpl
def mtlbench_optimizers() -> list[type]:
    return []
