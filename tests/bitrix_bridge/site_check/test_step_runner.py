"""Tests of the steps against a sandbox over HTTP, without differences and with each kind of difference."""

from decimal import Decimal

import pytest

from bitrix_bridge.sandbox import faults
from bitrix_bridge.site_check import sandbox_in_memory
from bitrix_bridge.site_check.comparison import Kind
from bitrix_bridge.site_check.sentences import sentence_in_step
from bitrix_bridge.site_check.step_runner import Mark
from bitrix_bridge.site_check.steps import ORDER_TEXT, STEPS
from tests.bitrix_bridge.site_check.conftest import differing, of_step

REFUSED_STEPS = {"late-status": 409, "late-update": 409, "gone": 404}


def only(results, key):
    """Return the differences of a step. It must be the only step with differences."""
    assert differing(results) == [key]
    return [(one.kind, one.name) for one in results[key].differences]


def sentences_of(results, key):
    return "\n".join(sentence_in_step(results[key].title, one) for one in results[key].differences)


def test_sandbox_is_as_expected(run_steps, site):
    results = run_steps()
    assert list(results) == [step.key for step in STEPS]
    assert differing(results) == []
    assert site.site.all_orders() == [], "the order is deleted"
    assert site.site.mails == []


def test_each_step_changes_what_it_is_meant_to_change(run_steps, site):
    """The result would also be as expected if both sides refused the step."""
    orders = {}
    results = run_steps()
    for key, result in results.items():
        assert result.calls[0].reply.status == REFUSED_STEPS.get(key, 200), key
        assert not result.calls[0].reply.data.get("refused") or key == "too-long"
        if len(result.calls) > 1:
            orders[key] = result.calls[1].reply.data["order"]
    assert orders["create"]["USER_DESCRIPTION"] == ORDER_TEXT
    assert orders["create"]["PRICE"] == "150.0000"
    assert orders["create"]["user"]["EXTERNAL_AUTH_ID"] == "saleanonymous"
    assert results["repeat"].calls[0].reply.data["repeated"] is True
    assert orders["letters"]["properties"]["postcardText"].startswith("Құттықтаймыз! 🌹\n")
    assert orders["choices"]["properties"]["city"] == "1"
    assert orders["too-long"]["COMMENTS"] != orders["choices"]["COMMENTS"], "the rest of the request is saved"
    assert orders["too-long"]["MARKED"] == "N"
    prices = {key: (orders[key]["PRICE"], orders[key]["basket"][0]["PRICE"]) for key in ("fee", "discount", "total")}
    assert prices == {
        "fee": ("170.0000", "100.0000"),
        "discount": ("250.0000", "90.0000"),
        "total": ("240.0000", "85.0000"),
    }
    assert orders["total"]["basket"][0]["BASE_PRICE"] == "100.0000"
    assert (orders["pay"]["PAYED"], orders["pay"]["SUM_PAID"]) == ("Y", "240.00")
    assert (orders["unpay"]["PAYED"], orders["unpay"]["SUM_PAID"]) == ("N", "0.00")
    assert orders["status"]["STATUS_ID"] == "AP"
    assert (orders["status-and-text"]["STATUS_ID"], orders["status-and-text"]["COMMENTS"]) == ("N", f"{ORDER_TEXT} (9)")
    versions = [int(orders[key]["VERSION"]) for key in ("late-update", "status-and-text")]
    assert versions[1] == versions[0] + 1
    assert [orders[key]["CANCELED"] for key in ("cancel", "restore", "cancel-again")] == ["Y", "N", "Y"]
    assert site.site.transactions == [], "no money is moved to an account"


def test_payment_that_is_not_counted_is_reported(run_steps, alter):
    alter("order.get", lambda _, status, said: said.get("order", {}).update(SUM_PAID="0.00"))
    results = run_steps()
    (one,) = results["pay"].differences
    assert (one.kind, one.name, one.site, one.expected) == (Kind.FIELD, "SUM_PAID", Decimal(0), Decimal(240))
    text = sentences_of(results, "pay")
    assert results["pay"].title in text
    assert "SUM_PAID" in text
    assert "0,00" in text
    assert "240,00" in text
    assert differing(results) == ["pay"]


def test_lasting_difference_is_reported_once(run_steps, alter):
    alter("order.get", lambda _, status, said: said.get("order", {}).update(DEDUCTED="Y"))
    assert only(run_steps(), "create") == [(Kind.FIELD, "DEDUCTED")]


def test_additional_save_of_a_handler_is_reported(run_steps, alter, site):
    def save(request, _status, _said):
        version = int(site.site.order(request["order_id"])["VERSION"])
        site.site.write_raw(request["order_id"], {"VERSION": str(version + 1)})

    alter("order.status", save, lambda request: request["status_id"] == "AP")
    results = run_steps()
    (one,) = results["status"].differences
    assert (one.kind, one.site, one.expected) == (Kind.VERSION, 2, 1)
    assert differing(results) == ["status"], "later steps count from the read version"


def test_different_checksum_in_the_list_is_reported(run_steps, alter):
    alter("order.list", lambda _, status, said: [row.update(checksum="0" * 32) for row in said["orders"]] and None)
    results = run_steps()
    assert differing(results) == ["list", "list-paid"]
    assert [one.kind for one in results["list"].differences] == [Kind.CHECKSUM]


def test_checksum_that_ignores_payments_is_reported(run_steps, alter):
    seen = []

    def keep_the_first(_request, _status, said):
        if "order" in said:
            seen.append(said["order"]["checksum"])
            said["order"]["checksum"] = seen[0]

    alter("order.get", keep_the_first)
    assert Kind.CHECKSUM in [one.kind for one in run_steps()["pay"].differences]


def test_order_without_checksum_and_payments_is_reported(run_steps, alter):
    def older(_request, _status, said):
        for name in ("checksum", "payments"):
            said.get("order", {}).pop(name, None)

    alter("order.get", older)
    results = run_steps()
    assert (Kind.MISSING, "checksum") in [(one.kind, one.name) for one in results["create"].differences]
    assert (Kind.FIELD, "payments.count") in [(one.kind, one.name) for one in results["create"].differences]


def refusal(code, message, step, status=422):
    return lambda _request: (
        status,
        {"success": False, "error": {"code": code, "message": message, "step": step}},
    )


def test_refused_step_is_reported_with_the_sites_message_and_the_run_continues(run_steps, replace, site):
    replace("order.update", refusal("refused", "Кассир не на месте", "payment"), of_step("pay"))
    results = run_steps()
    assert [(one.kind, one.name) for one in results["pay"].differences] == [(Kind.REFUSED, "refused")]
    assert "Кассир не на месте" in sentences_of(results, "pay")
    assert [key for key, one in results.items() if one.mark is Mark.NOT_DONE] == ["list-paid", "unpay"]
    assert results["pay"].title in results["unpay"].reason
    assert differing(results) == ["pay", "list-paid", "unpay"], "a refused change is not reported by later steps"
    assert site.site.all_orders() == []


def test_answer_that_is_not_json_is_reported(run_steps, site):
    site.faults.give(faults.html(502), action="order.status")
    results = run_steps()
    (one,) = results["status"].differences
    assert (one.kind, one.name) == (Kind.REFUSED, "HTTP 502")
    assert "<!DOCTYPE html>" in one.message


def test_internal_error_of_the_site_is_reported(run_steps, replace):
    replace("order.update", refusal("internal", "TypeError: null", "save", status=500), of_step("cancel"))
    results = run_steps()
    assert [(one.kind, one.name) for one in results["cancel"].differences] == [(Kind.REFUSED, "internal")]
    assert {"restore", "cancel-again"} == {key for key, one in results.items() if one.mark is Mark.NOT_DONE}


def test_status_set_despite_a_conflict_is_reported(run_steps, replace, site):
    def obey(request):
        order = site.site.change_status(request["order_id"], request["status_id"])
        return 200, {"success": True, "order_id": request["order_id"], "version": int(order["VERSION"])}

    replace("order.status", obey, lambda request: request["status_id"] == "N")
    results = run_steps()
    assert (Kind.NOT_REFUSED, "status_conflict") in [(one.kind, one.name) for one in results["late-status"].differences]
    assert "409" in sentences_of(results, "late-status")


def test_refused_update_that_saves_a_part_is_reported(run_steps, alter, site):
    def write(request, _status, _said):
        site.site.write_raw(request["order_id"], {"COMMENTS": "half"})

    alter("order.update", write, of_step("late-update"))
    results = run_steps()
    assert (Kind.FIELD, "COMMENTS") in [(one.kind, one.name) for one in results["late-update"].differences]


def test_conflict_without_the_current_state_is_reported(run_steps, alter):
    alter("order.status", lambda _, status, said: said.pop("current", None) and None)
    results = run_steps()
    names = {(one.kind, one.name) for one in results["late-status"].differences}
    assert names == {(Kind.MISSING, "current.status_id"), (Kind.MISSING, "current.version")}


def test_unexpected_refusal_is_reported(run_steps, replace):
    replace("order.update", refusal("busy", "Занято", "lock", status=503), of_step("late-update"))
    results = run_steps()
    (one,) = results["late-update"].differences
    assert (one.kind, one.site, one.expected) == (
        Kind.OTHER_REFUSAL,
        (503, "busy", "lock"),
        (409, "status_conflict", "status"),
    )
    assert "busy" in sentences_of(results, "late-update")
    assert "status_conflict" in sentences_of(results, "late-update")


def test_refused_part_is_reported_once(run_steps, replace, changed_bridge):
    def without_comment(request):
        left = {**request, "fields": {}}
        status, said = changed_bridge.honest(left)
        row = {"what": "fields.COMMENTS", "code": "refused", "message": "Комментарии закрыты", "step": "order"}
        return status, {**said, "refused": [row, *said.get("refused", [])]}

    replace("order.update", without_comment, of_step("texts"))
    results = run_steps()
    kinds = {(one.kind, one.name) for one in results["texts"].differences}
    assert (Kind.PART_REFUSED, "fields.COMMENTS") in kinds
    assert "Комментарии закрыты" in sentences_of(results, "texts")
    assert (Kind.FIELD, "COMMENTS") not in kinds, "reported once"


def test_accepted_text_that_is_too_long_is_reported(run_steps, alter, site):
    def take(request, status, said):
        said.pop("refused")
        site.site.set_property_silently(request["order_id"], "postcardText", "Ж" * 500)
        site.site.write_raw(request["order_id"], {"MARKED": "Y"})

    alter("order.update", take, of_step("too-long"))
    results = run_steps()
    kinds = {(one.kind, one.name) for one in results["too-long"].differences}
    assert {
        (Kind.PART_NOT_REFUSED, "properties.postcardText"),
        (Kind.FIELD, "MARKED"),
        (Kind.FIELD, "properties.postcardText"),
    } <= kinds
    assert "Ж" * 81 not in sentences_of(results, "too-long"), "long values are truncated"


@pytest.mark.parametrize("warning", [{"code": "marked", "message": "Сайт пометил заказ"}, "Сайт пометил заказ"])
def test_unexpected_warning_is_reported(run_steps, alter, warning):
    alter("order.update", lambda _, status, said: said.update(warnings=[warning]), of_step("fee"))
    results = run_steps()
    assert [one.kind for one in results["fee"].differences] == [Kind.WARNING]
    assert "Сайт пометил заказ" in sentences_of(results, "fee")


def test_create_that_ignores_its_xml_id_is_reported(run_steps, alter):
    seen = []

    def another(_request, _status, said):
        seen.append(said["order_id"])
        if len(seen) == 2:
            said.update(created=True, order_id=5)

    alter("order.create", another)
    results = run_steps()
    assert {(one.kind, one.name) for one in results["create-again"].differences} == {
        (Kind.FIELD, "created"),
        (Kind.FIELD, "order_id"),
    }


def test_repeated_request_that_is_done_twice_is_reported(run_steps, alter):
    seen = []

    def forget(_request, status, said):
        seen.append(said)
        said["repeated"] = False

    alter("order.update", forget, of_step("texts"))
    assert only(run_steps(), "repeat") == [(Kind.FIELD, "repeated")]
    assert len(seen) == 2


def test_line_with_a_new_id_is_reported(run_steps, alter):
    def new_line(_request, _status, said):
        line = said.get("order", {"basket": []})["basket"]
        if line and line[0]["QUANTITY"] == "2.0000":
            line[0]["ID"] = "777"

    alter("order.get", new_line)
    assert (Kind.FIELD, "basket.1.ID") in [(one.kind, one.name) for one in run_steps()["quantity"].differences]


def test_price_change_that_changes_the_list_price_is_reported(run_steps, alter):
    def overwrite(_request, _status, said):
        for line in said.get("order", {}).get("basket", []):
            line["BASE_PRICE"] = line["PRICE"]

    alter("order.get", overwrite)
    results = run_steps()
    (one,) = results["discount"].differences
    assert (one.name, one.site, one.expected) == ("basket.1.BASE_PRICE", Decimal(90), Decimal(100))
    assert "BASE_PRICE" in sentences_of(results, "discount")
    assert "90,00" in sentences_of(results, "discount")


def test_additional_line_is_reported(run_steps, alter):
    def one_more(_request, _status, said):
        basket = said.get("order", {}).get("basket", [])
        basket.extend([{**basket[0], "ID": "9"}] if basket else [])

    alter("order.get", one_more)
    assert only(run_steps(), "create") == [(Kind.FIELD, "basket.count")]


def test_missing_properties_are_reported_and_their_steps_skipped(run_steps, alter, site):
    def fewer(_request, _status, said):
        properties = said.get("order", {}).get("properties", {})
        for code in ("postcardText", "isSurprise", "iWillGet"):
            properties.pop(code, None)

    alter("order.get", fewer)
    results = run_steps()
    missing = [one.name for one in results["create"].differences if one.kind is Kind.NO_PROPERTY]
    assert missing == ["postcardText", "isSurprise"], "pickup replaces iWillGet"
    assert results["letters"].mark is Mark.NOT_DONE
    assert "postcardText" in results["letters"].reason
    assert differing(results) == ["create", "letters"]
    assert "addressRecipient" in results["too-long"].calls[0].request["properties"], "another text property is used"


def test_order_of_a_customers_account_is_reported(run_steps, alter):
    alter("order.get", lambda _, status, said: said.get("order", {"user": {}})["user"].update(EXTERNAL_AUTH_ID=None))
    assert only(run_steps(), "create") == [(Kind.FIELD, "user.EXTERNAL_AUTH_ID")]


def test_order_that_still_exists_after_deletion_is_reported(run_steps, replace):
    replace("order.delete", lambda request: (200, {"success": True, "order_id": request["order_id"], "deleted": True}))
    assert only(run_steps(), "gone") == [(Kind.NOT_REFUSED, "order_not_found")]


class TestReference:
    def test_empty_list_is_reported(self, run_steps, alter):
        alter("reference", lambda _, status, said: said.update(cities=[]))
        results = run_steps()
        assert [(one.kind, one.name) for one in results["reference"].differences] == [(Kind.SETTING, "cities")]
        assert "city" not in results["choices"].calls[0].request["properties"]

    def test_missing_list_and_missing_columns_are_reported(self, run_steps, alter):
        def change(_request, _status, said):
            said.pop("shops")
            said["slots"] = [{"id": "1", "name": "0:00-1:00"}]

        alter("reference", change)
        names = [(one.kind, one.name) for one in run_steps()["reference"].differences]
        assert names == [
            (Kind.MISSING, "shops"),
            (Kind.MISSING, "slots.ends_at"),
            (Kind.MISSING, "slots.starts_at"),
        ]

    def test_another_status_is_set_if_the_site_has_no_accepted(self, run_steps, alter):
        alter("reference", lambda _, status, said: said.update(statuses=[{"id": "PD", "name": "x", "sort": 1}]))
        assert run_steps()["status"].calls[0].request["status_id"] == "PD"

    @pytest.mark.parametrize("codes", [["N"], ["N", "ZZ", "F"], []])
    def test_status_steps_are_skipped_without_a_usable_status(self, run_steps, alter, codes):
        rows = [{"id": code, "name": code, "sort": 1} for code in codes]
        alter("reference", lambda _, status, said: said.update(statuses=rows))
        results = run_steps()
        not_done = {key for key, one in results.items() if one.mark is Mark.NOT_DONE}
        assert not_done == {"status", "late-status", "late-update", "status-and-text"}
        assert all(results[key].reason for key in not_done)

    def test_payment_steps_are_skipped_without_a_pay_system(self, run_steps, alter):
        alter("reference", lambda _, status, said: said.update(pay_systems=[]))
        results = run_steps()
        assert results["create"].mark is Mark.AS_EXPECTED
        assert {key for key, one in results.items() if one.mark is Mark.NOT_DONE} == {"pay", "list-paid", "unpay"}

    @pytest.mark.parametrize(
        ("configured", "chosen"), [({3: "kaspi", 2: "cash"}, 2), ({9: "cash", 3: "kaspi"}, 3), ({9: "card"}, 1)]
    )
    def test_cash_is_preferred_and_ids_may_differ_from_the_sandbox(self, run_steps, settings, configured, chosen):
        settings.BITRIX_PAY_SYSTEMS = configured
        settings.BITRIX_DELIVERY_ID = 2
        results = run_steps()
        assert results["create"].calls[0].request["payment_method_id"] == chosen
        assert differing(results) == []

    def test_unknown_delivery_service_is_reported(self, run_steps, settings):
        settings.BITRIX_DELIVERY_ID = 77
        results = run_steps()
        kinds = {(one.kind, one.name) for one in results["create"].differences}
        assert kinds == {(Kind.WARNING, "no_delivery"), (Kind.FIELD, "DELIVERY_ID")}


class TestPing:
    def test_missing_webhook_installation_is_reported(self, run_steps, alter):
        alter("ping", lambda _, status, said: said.update(webhook_installed=False, agent_installed=False))
        assert only(run_steps(), "ping") == [(Kind.SETTING, "webhook_installed")]

    def test_stuck_queue_is_reported(self, run_steps, alter):
        state = {"queue_failed": 2, "queue_age_seconds": 900, "last_error": "order.create 5: HTTP 401"}
        alter("ping", lambda _, status, said: said.update(**state, agent_installed=False))
        results = run_steps()
        assert [one.name for one in results["ping"].differences] == [
            "agent_installed",
            "queue_failed",
            "queue_age_seconds",
        ]
        assert "HTTP 401" in sentences_of(results, "ping")

    @pytest.mark.parametrize(
        ("last_run", "names"),
        [("2026-01-01T10:00:00+05:00", ["agent_last_run"]), (None, []), ("2199-01-01T10:00:00+05:00", [])],
    )
    def test_agent_that_does_not_run_is_reported(self, run_steps, alter, last_run, names):
        alter("ping", lambda _, status, said: said.update(agent_installed=True, agent_last_run=last_run))
        assert [one.name for one in run_steps()["ping"].differences] == names

    def test_missing_version_is_reported(self, run_steps, alter):
        alter("ping", lambda _, status, said: said["versions"].pop("sale") and None)
        assert only(run_steps(), "ping") == [(Kind.MISSING, "versions.sale")]


def test_undo_restores_the_state_before_the_last_request():
    memory = sandbox_in_memory.SandboxInMemory()
    request = {"action": "order.create", "items": [{"quantity": 1, "price": 1}], "xml_id": "crm-check-1"}
    order_id = memory.send(request).data["order_id"]
    change = {"action": "order.update", "order_id": order_id, "fields": {"COMMENTS": "x"}}
    memory.send(change)
    memory.undo()
    order = memory.send({"action": "order.get", "order_id": order_id}).data["order"]
    assert (order["COMMENTS"], order["VERSION"]) == ("", "0")
