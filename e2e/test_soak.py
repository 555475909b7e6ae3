"""A soak's judge tells a leak from what only swings, and a controller that leaks fails its soak."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from e2e.soak.judge import judge
from e2e.soak.plots import picture
from e2e.soak.report import page
from e2e.soak.samples import SERIES
from e2e.soak.soak import soak

LEAKING = """
import os, sys, threading, time
def leak():
    while True:
        os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        time.sleep(0.04)
if "reconciler.api" in sys.orig_argv:
    threading.Thread(target=leak, daemon=True).start()
"""
"""Python imports a module of the name ``sitecustomize`` when it starts: `recon run` becomes another
program, the controller, and only that is to leak."""


def noise(count: int, size: float, seed: int = 1) -> list[float]:
    random_ = random.Random(seed)
    return [1000 + random_.uniform(-size, size) for _ in range(count)]


def test_noise_is_level() -> None:
    for seed in range(200):
        assert not judge(noise(200, 20, seed), least=5, share=0.02).rises


def test_a_slow_rise_under_noise_is_found() -> None:
    for seed in range(200):
        series = [value + n * 0.5 for n, value in enumerate(noise(200, 20, seed))]  # 50 in a half
        assert judge(series, least=5, share=0.01).rises


def test_a_rise_in_the_first_half_only_is_level() -> None:
    assert not judge([min(n, 90) for n in range(200)], least=1, share=0.0).rises


def test_a_sawtooth_is_level_and_one_that_climbs_is_not() -> None:
    teeth = [float(n % 7) for n in range(400)]
    assert not judge(teeth, least=1, share=0.0).rises
    assert judge([tooth + n / 40 for n, tooth in enumerate(teeth)], least=1, share=0.0).rises


def test_peaks_are_level() -> None:
    series = [1000.0 if n % 50 == 49 else 10.0 for n in range(400)]
    assert not judge(series, least=1, share=0.0).rises


def test_a_significant_rise_below_the_allowance_is_level() -> None:
    series = [1000 + n / 100 for n in range(200)]
    verdict = judge(series, least=2, share=0.0)
    assert verdict.deviations > 5
    assert not verdict.rises
    assert judge(series, least=0.5, share=0.0).rises


def test_one_step_more_each_stretch_of_a_small_number_is_found() -> None:
    assert judge([float(n // 20) for n in range(200)], least=3, share=0.0).rises


def test_a_fall_is_no_rise() -> None:
    assert not judge([float(-n) for n in range(200)], least=1, share=0.0).rises


def test_few_samples_have_no_verdict() -> None:
    with pytest.raises(ValueError, match="too few"):
        judge([1.0] * 10, least=1, share=0.0)


def test_a_picture_has_a_line_for_each_series() -> None:
    drawn = picture([0.0, 60.0, 120.0], {"a < b": [1, 2, 3], "flat": [0, 0, 0]})
    assert drawn.count("<path") == 2
    assert "a &lt; b" in drawn
    assert "2 min" in drawn


def test_a_controller_that_leaks_descriptors_fails_its_soak(tmp_path: Path) -> None:
    """25 a second leak; threads, which do not, are level in the same run."""
    messages: list[str] = []
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(LEAKING)
    result = soak(
        tmp_path,
        8.0,
        0.1,
        hurry=2.0,
        started_by=["env", f"PYTHONPATH={site}"],
        say=messages.append,
    )
    assert "descriptors" in result.rising
    assert "inotify watches" not in result.rising
    assert not result.faults
    assert min(map(len, result.values.values())) == len(result.times)
    assert all(series.name in page(result) for series in SERIES)
    assert "**descriptors: rises**" in page(result)
    assert all(n >= 1 for n in itertools.islice(result.done.values(), 4))
