from __future__ import annotations

import pytest

from reconciler.ui.monit.table.columns import COLUMNS
from reconciler.ui.monit.table.order import OF_COLUMN, ORDERS, instance_key, key_of, number
from tests.ui.monit.fake import shop


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_sorts_apps_of_which_little_is_known(order: str) -> None:
    apps = shop()["apps"]
    assert len(sorted(apps, key=key_of(order))) == len(apps)
    for app in apps:
        assert len(sorted(app["instances"], key=instance_key(order))) == len(app["instances"])


def test_a_click_on_each_head_means_an_order() -> None:
    for column in COLUMNS:
        assert OF_COLUMN.get(column.key, column.key) in ORDERS


def test_a_name_without_a_number_sorts_too() -> None:
    assert sorted(["web-10", "web", "web-²", "web-2"], key=number)[-1] == "web-10"
