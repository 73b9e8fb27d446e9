"""The benchmarks themselves work; their figures are for docs/numbers.md, not for a test."""

import json
import os
import pathlib
import subprocess

import pytest

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
BUILD = os.environ.get("IMPRINT_BUILD", str(BENCH.parent.parent / "build/dev"))


@pytest.mark.parametrize("program, keys", [
    ("issue", {"ratio_openssl_ca_batch", "ratio_openssl_x509", "ratio_raw_sign"}),
    ("panel", {"ratio", "signer_rss_mb", "station_rss_mb"}),
    ("token", {"ratio_8", "ratio_1"}),
    ("screen", {"key_median_ms", "redraw_median_ms"}),
    ("reconcile", {"imprint_seconds", "shell_seconds", "grep_seconds", "read_seconds", "imprint_rss_mb", "ratio_shell", "ratio_grep"}),
])
def test_benchmark_sums_up(program, keys):
    done = subprocess.run([BENCH / program, "--quick", "--json"], env=dict(os.environ, IMPRINT_BUILD=BUILD),
                          capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["summary"] and all(last[key] > 0 for key in keys)


def test_a_unit_costs_what_its_protocol_must():
    """Bytes do not depend on how busy this machine is, but for a request that was sent again: the leaner unit of two counts."""
    done = subprocess.run([BENCH / "wire", "--quick", "--json"], env=dict(os.environ, IMPRINT_BUILD=BUILD),
                          capture_output=True, text=True, timeout=1800)  # where it comes first, it builds the firmware
    assert done.returncode == 0, done.stderr
    ratios = {}
    for row in map(json.loads, done.stdout.splitlines()):
        if not row.get("summary") and not row["prove"]:
            ratios.setdefault((row["driver"], row["board"]), []).append(row["ratio_bytes"])
    assert {driver for driver, _ in ratios} == {"prov", "fs", "nrf91", "zshell"}
    assert all(min(units) <= 1.1 for units in ratios.values()), ratios
