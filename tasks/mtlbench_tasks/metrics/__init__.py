"""The metrics of the data sets, as their own scripts define them, on plain dictionaries from id to prediction."""

from __future__ import annotations

from mtlbench_tasks.metrics.answers import AnswerScores, mlqa_scores, squad_scores
from mtlbench_tasks.metrics.entities import EntityScores, entity_scores, span_scores
from mtlbench_tasks.metrics.labels import Correlation, accuracy, pearson

__all__ = [
    "AnswerScores",
    "Correlation",
    "EntityScores",
    "accuracy",
    "entity_scores",
    "mlqa_scores",
    "pearson",
    "span_scores",
    "squad_scores",
]
