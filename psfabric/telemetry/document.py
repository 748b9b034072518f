"""Makes docs/metrics.md from the list of metrics: `python -m psfabric.telemetry.document [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from psfabric.telemetry.metrics import METRICS, Metric, exposed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

HEAD = """# Metrics

Made from `psfabric/telemetry/metrics.py` by `python -m psfabric.telemetry.document`; a test compares the two.

Every process (`psfabric run intake`, `process`, `deliver`) serves them at `GET /metrics` of its health port, in
Prometheus' text format. Where `OTEL_EXPORTER_OTLP_ENDPOINT` is set they are also sent there (OTLP over HTTP), under the
names of the first column, and spans with them. `psf.*` are ours; `messaging.*` and `process.*` are OpenTelemetry's
semantic conventions. No label holds an id, a key or anything personal.

| name | at `/metrics` | kind | labels | what it is |
|---|---|---|---|---|
"""


def text() -> str:
    return HEAD + "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    names: list[Metric] = list(METRICS)
    for metric in names:
        defined = METRICS[metric]
        labels = ", ".join(f"`{label.replace('.', '_')}`" for label in defined.labels)
        yield f"| `{metric}` | `{exposed(metric)}` | {defined.kind} | {labels} | {defined.help} |"


def main(arguments: Sequence[str]) -> int:
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text():
        return 0
    if "--check" in arguments:
        print("docs/metrics.md would change; run: python -m psfabric.telemetry.document", file=sys.stderr)
        return 1
    PAGE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
