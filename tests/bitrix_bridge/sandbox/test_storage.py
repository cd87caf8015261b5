"""Tests of the data that the sandbox keeps after a restart."""

from __future__ import annotations

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.sandbox.storage import FileStorage


def test_orders_ids_and_events_survive_a_restart(tmp_path, receiver):
    path = str(tmp_path / "deeper" / "site.sqlite3")
    receiver.script = [(503, "", {})] * 1000
    with Sandbox(receiver.url, data_file=path, retry_delays=(60,)) as sandbox:
        order = sandbox.place_order(xml_id="crm-1", comment="Туған күн 🌷 \ud83d")
        sandbox.change_status(order["ID"], "AP")
        kept = sandbox.site.order(int(order["ID"]))
    receiver.script.clear()
    receiver.bodies.clear()
    with Sandbox(receiver.url, data_file=path) as sandbox:
        assert sandbox.site.order(int(order["ID"])) == kept
        assert not sandbox.site.create_order({"xml_id": "crm-1"}).created
        sandbox.change_status(order["ID"], "PD")
        newer = sandbox.place_order()
        sandbox.flush()
        assert int(newer["ID"]) == int(order["ID"]) + 1
        assert newer["basket"][0]["ID"] not in {line["ID"] for line in kept["basket"]}
        assert receiver.seen() == [
            ("order.create", order["ID"], "0"),
            ("order.update", order["ID"], "1"),
            ("order.update", order["ID"], "2"),
            ("order.create", newer["ID"], "0"),
        ]
    with Sandbox(receiver.url, data_file=path) as sandbox:
        sandbox.flush()
        assert sandbox.sender.attempts == [], "a delivered webhook is not sent again"
        sandbox.site.delete_order(int(order["ID"]))
    with Sandbox(data_file=path) as sandbox:
        assert [found["ID"] for found in sandbox.site.latest()] == [newer["ID"]]


def test_many_events_keep_their_order_across_a_restart(tmp_path, receiver):
    path = str(tmp_path / "site.sqlite3")
    with Sandbox("http://127.0.0.1:9/", data_file=path, retry_delays=(60,)) as sandbox:
        ids = [sandbox.place_order()["ID"] for _ in range(12)]
    with Sandbox(receiver.url, data_file=path) as sandbox:
        sandbox.flush()
    assert [order_id for _, order_id, _ in receiver.seen()] == ids


def test_without_a_url_no_events_are_stored(tmp_path, receiver):
    path = str(tmp_path / "site.sqlite3")
    with Sandbox(data_file=path) as sandbox:
        sandbox.place_order()
    with Sandbox(receiver.url, data_file=path) as sandbox:
        assert sandbox.sender.waiting() == 0


def test_second_stop_and_later_writes_do_nothing(tmp_path):
    with Sandbox(data_file=str(tmp_path / "site.sqlite3")) as sandbox:
        sandbox.stop()
        sandbox.place_order()


def test_stored_orders_of_an_earlier_sandbox_are_read(tmp_path):
    path = str(tmp_path / "site.sqlite3")
    with Sandbox(data_file=path) as sandbox:
        order = sandbox.place_order(payment_method_id=3)
        sandbox.site.update_order(int(order["ID"]), {"PAYED": "Y"})
    storage = FileStorage(path)
    (kept,) = storage.load("order")
    for new in ("payments", "REASON_MARKED"):
        del kept[new]
    for line in kept["basket"]:
        for new in ("CUSTOM_PRICE", "_provided", "_reserved"):
            del line[new]
    storage.write([("order", order["ID"], kept)])
    storage.close()
    with Sandbox(data_file=path) as sandbox:
        (payment,) = sandbox.site.order(int(order["ID"]))["payments"]
        assert (payment["PAY_SYSTEM_ID"], payment["SUM"], payment["PAID"]) == ("3", order["PRICE"], "Y")
        assert sandbox.site.update_order(int(order["ID"]), {"PAYED": "N"})["SUM_PAID"] == "0.00"
        assert sandbox.site.recalculate(int(order["ID"]))["PRICE"] == order["PRICE"]
