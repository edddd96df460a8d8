"""Needs what is not installed."""

from turbo_gradients import Accelerator  # type: ignore[import-not-found]

from mtlbench import hookimpl


@hookimpl
def mtlbench_methods():  # type: ignore[no-untyped-def]
    return [Accelerator.method()]
