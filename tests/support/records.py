"""A record, whatever it is of."""

from builder.build.records import Record

RECORD = Record(
    status="verified",
    day="2026-11-28",
    digest=f"sha256:{'1' * 64}",
    checks="2" * 64,
    inputs="3" * 64,
    pins=15,
    passed=32,
    not_checked=2,
    architecture="amd64",
    gpu="none",
    engine="29.1.2",
)
