"""The data and the options of a report's chart, for Chart.js."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext

from orders.reports.tables import Column, Kind, Table

COLOURS = ("#8b5cf6", "#0d9488", "#d97706", "#db2777", "#2563eb", "#65a30d")
GREY = "#6b7280"  # readable on white and on black
MOST_BARS = 92
"""A chart with more bars can't be read. The table has all rows. A quarter by day has as many."""
LONGEST_LABEL = 24


def chart_of(table: Table, bars: Iterable[str], line: str, *, is_sequence: bool = True) -> dict[str, str]:
    """Return the data and the options of the chart as JSON: bars for numbers, and a line for a sum.

    The sum is a line only between rows that follow each other, such as days. Others have points.
    """
    columns = {column.key: column for column in table.columns}
    datasets: list[dict[str, Any]] = [
        {
            "label": str(columns[key].label),
            "data": [_plain(columns[key], row.values.get(key)) for row in _shown(table)],
            "backgroundColor": colour,
            "borderRadius": 3,
            "maxBarThickness": 72,
            "order": 2,
        }
        for key, colour in zip(bars, COLOURS * 9, strict=False)
        if key in columns
    ]
    axis = {"ticks": {"color": GREY, "precision": 0}, "grid": {"display": True}, "beginAtZero": True}
    scales: dict[str, Any] = {
        "x": {"ticks": {"color": GREY, "autoSkip": True, "maxTicksLimit": 12, "maxRotation": 45},
              "grid": {"display": False}},
        "y": axis,
    }  # fmt: skip
    if line in columns:
        datasets.append(
            {
                "type": "line",
                "label": f"{columns[line].label}, {_unit(columns[line])}",
                "data": [_plain(columns[line], row.values.get(line)) for row in _shown(table)],
                "borderColor": "#c2410c",
                "backgroundColor": "#c2410c",
                "showLine": is_sequence,
                "pointRadius": 2 if is_sequence else 6,
                "yAxisID": "y1",
                "order": 1,
            }
        )
        scales["y1"] = {
            **axis,
            "position": "right",
            "grid": {"display": False},
            "title": {"display": True, "text": _unit(columns[line])},
        }
    options = {
        "responsive": True,
        "maintainAspectRatio": False,
        "locale": "ru",
        "animation": False,
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {"legend": {"position": "bottom", "labels": {"color": GREY, "boxWidth": 12}}},
        "scales": scales,
    }
    data = {"labels": [_short(row.label) for row in _shown(table)], "datasets": datasets}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in (("data", data), ("options", options))}


def _unit(column: Column) -> str:
    return gettext("minutes") if column.kind == Kind.DURATION else gettext("thousand ₸")


def is_cut(table: Table) -> bool:
    """Return whether the chart does not show all rows."""
    return len(table.rows) > MOST_BARS


def _shown(table: Table) -> Any:
    return table.rows[:MOST_BARS]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _plain(column: Column, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, timedelta):
        return round(value.total_seconds() / 60, 1)
    return round(float(value) / 1000, 1) if column.kind == Kind.MONEY else round(float(value), 3)
