"""Data sets in the Hugging Face Hub's layout: from a snapshot folder, the Hub or its cache, never by code of theirs."""

from __future__ import annotations

from mtlbench_tasks.hub.places import Place, cache_root, locate
from mtlbench_tasks.hub.reports import report_sources
from mtlbench_tasks.hub.rows import Rows, read
from mtlbench_tasks.hub.stand_ins import replace_sources

__all__ = ["Place", "Rows", "cache_root", "locate", "read", "replace_sources", "report_sources"]
