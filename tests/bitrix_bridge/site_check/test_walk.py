"""The steps against a stand-in over HTTP: as expected, and with each kind of difference."""

from decimal import Decimal

import pytest

from bitrix_bridge.sandbox import faults
from bitrix_bridge.site_check import stand_in
from bitrix_bridge.site_check.comparison import Kind
from bitrix_bridge.site_check.steps import STEPS, WHO
from bitrix_bridge.site_check.walk import Mark
from bitrix_bridge.site_check.words import in_step
from tests.bitrix_bridge.site_check.conftest import differing, of_step

REFUSED_STEPS = {"late-status": 409, "late-update": 409, "gone": 404}


def only(results, key):
    """The differences of a step, which must be the only one with any."""
    assert differing(results) == [key]
    return [(one.kind, one.name) for one in results[key].differences]


def words_of(results, key):
    return "\n".join(in_step(results[key].title, one) for one in results[key].differences)


def test_a_site_like_the_stand_in_is_as_expected(walk, site):
    results = walk()
    assert list(results) == [step.key for step in STEPS]
    assert differing(results) == []
    assert site.site.all_orders() == [], "the order is gone"
    assert site.site.letters == []


def test_each_step_does_what_it_is_for(walk, site):
    """Two sides that refuse alike would be as expected, too."""
    orders = {}
    results = walk()
    for key, result in results.items():
        assert result.calls[0].reply.status == REFUSED_STEPS.get(key, 200), key
        assert not result.calls[0].reply.said.get("refused") or key == "too-long"
        if len(result.calls) > 1:
            orders[key] = result.calls[1].reply.said["order"]
    assert orders["create"]["USER_DESCRIPTION"] == WHO
    assert orders["create"]["PRICE"] == "150.0000"
    assert orders["create"]["user"]["EXTERNAL_AUTH_ID"] == "saleanonymous"
    assert results["repeat"].calls[0].reply.said["repeated"] is True
    assert orders["letters"]["properties"]["postcardText"].startswith("Құттықтаймыз! 🌹\n")
    assert orders["choices"]["properties"]["city"] == "1"
    assert orders["too-long"]["COMMENTS"] != orders["choices"]["COMMENTS"], "the rest of the request was done"
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
    assert (orders["status-and-text"]["STATUS_ID"], orders["status-and-text"]["COMMENTS"]) == ("N", f"{WHO} (9)")
    versions = [int(orders[key]["VERSION"]) for key in ("late-update", "status-and-text")]
    assert versions[1] == versions[0] + 1
    assert [orders[key]["CANCELED"] for key in ("cancel", "restore", "cancel-again")] == ["Y", "N", "Y"]
    assert site.site.transactions == [], "no money was moved to an account"


def test_a_payment_that_is_not_counted(walk, spoil):
    spoil("order.get", lambda _, status, said: said.get("order", {}).update(SUM_PAID="0.00"))
    results = walk()
    (one,) = results["pay"].differences
    assert (one.kind, one.name, one.site, one.expected) == (Kind.FIELD, "SUM_PAID", Decimal(0), Decimal(240))
    text = words_of(results, "pay")
    assert results["pay"].title in text
    assert "SUM_PAID" in text
    assert "0,00" in text
    assert "240,00" in text
    assert differing(results) == ["pay"]


def test_a_difference_that_stays_is_reported_once(walk, spoil):
    spoil("order.get", lambda _, status, said: said.get("order", {}).update(DEDUCTED="Y"))
    assert only(walk(), "create") == [(Kind.FIELD, "DEDUCTED")]


def test_a_handler_that_saves_once_more(walk, spoil, site):
    def save(request, _status, _said):
        version = int(site.site.order(request["order_id"])["VERSION"])
        site.site.write_raw(request["order_id"], {"VERSION": str(version + 1)})

    spoil("order.status", save, lambda request: request["status_id"] == "AP")
    results = walk()
    (one,) = results["status"].differences
    assert (one.kind, one.site, one.expected) == (Kind.VERSION, 2, 1)
    assert differing(results) == ["status"], "later steps count from there"


def test_a_checksum_that_is_another_in_the_list(walk, spoil):
    spoil("order.list", lambda _, status, said: [row.update(checksum="0" * 32) for row in said["orders"]] and None)
    results = walk()
    assert differing(results) == ["list", "list-paid"]
    assert [one.kind for one in results["list"].differences] == [Kind.CHECKSUM]


def test_a_checksum_that_does_not_follow_the_payments(walk, spoil):
    seen = []

    def keep_the_first(_request, _status, said):
        if "order" in said:
            seen.append(said["order"]["checksum"])
            said["order"]["checksum"] = seen[0]

    spoil("order.get", keep_the_first)
    assert Kind.CHECKSUM in [one.kind for one in walk()["pay"].differences]


def test_an_order_without_checksum_and_payments(walk, spoil):
    def older(_request, _status, said):
        for name in ("checksum", "payments"):
            said.get("order", {}).pop(name, None)

    spoil("order.get", older)
    results = walk()
    assert (Kind.MISSING, "checksum") in [(one.kind, one.name) for one in results["create"].differences]
    assert (Kind.FIELD, "payments.count") in [(one.kind, one.name) for one in results["create"].differences]


def refusal(code, message, step, status=422):
    return lambda _request: (
        status,
        {"success": False, "error": {"code": code, "message": message, "step": step}},
    )


def test_a_step_that_the_site_refuses_is_reported_in_its_own_words_and_the_walk_goes_on(walk, replace, site):
    replace("order.update", refusal("refused", "Кассир не на месте", "payment"), of_step("pay"))
    results = walk()
    assert [(one.kind, one.name) for one in results["pay"].differences] == [(Kind.REFUSED, "refused")]
    assert "Кассир не на месте" in words_of(results, "pay")
    assert [key for key, one in results.items() if one.mark is Mark.NOT_DONE] == ["list-paid", "unpay"]
    assert results["pay"].title in results["unpay"].reason
    assert differing(results) == ["pay", "list-paid", "unpay"], "what was refused is no difference of later steps"
    assert site.site.all_orders() == []


def test_an_answer_that_is_no_json(walk, site):
    site.faults.give(faults.html(502), action="order.status")
    results = walk()
    (one,) = results["status"].differences
    assert (one.kind, one.name) == (Kind.REFUSED, "HTTP 502")
    assert "<!DOCTYPE html>" in one.said


def test_an_error_of_the_site_itself(walk, replace):
    replace("order.update", refusal("internal", "TypeError: null", "save", status=500), of_step("cancel"))
    results = walk()
    assert [(one.kind, one.name) for one in results["cancel"].differences] == [(Kind.REFUSED, "internal")]
    assert {"restore", "cancel-again"} == {key for key, one in results.items() if one.mark is Mark.NOT_DONE}


def test_a_status_that_is_set_against_the_expectation(walk, replace, site):
    def obey(request):
        order = site.site.change_status(request["order_id"], request["status_id"])
        return 200, {"success": True, "order_id": request["order_id"], "version": int(order["VERSION"])}

    replace("order.status", obey, lambda request: request["status_id"] == "N")
    results = walk()
    assert (Kind.NOT_REFUSED, "status_conflict") in [(one.kind, one.name) for one in results["late-status"].differences]
    assert "409" in words_of(results, "late-status")


def test_an_update_that_does_a_half_before_it_refuses(walk, spoil, site):
    def write(request, _status, _said):
        site.site.write_raw(request["order_id"], {"COMMENTS": "half"})

    spoil("order.update", write, of_step("late-update"))
    results = walk()
    assert (Kind.FIELD, "COMMENTS") in [(one.kind, one.name) for one in results["late-update"].differences]


def test_a_conflict_without_the_present_state(walk, spoil):
    spoil("order.status", lambda _, status, said: said.pop("current", None) and None)
    results = walk()
    names = {(one.kind, one.name) for one in results["late-status"].differences}
    assert names == {(Kind.MISSING, "current.status_id"), (Kind.MISSING, "current.version")}


def test_another_refusal_than_expected(walk, replace):
    replace("order.update", refusal("busy", "Занято", "lock", status=503), of_step("late-update"))
    results = walk()
    (one,) = results["late-update"].differences
    assert (one.kind, one.site, one.expected) == (
        Kind.OTHER_REFUSAL,
        (503, "busy", "lock"),
        (409, "status_conflict", "status"),
    )
    assert "busy" in words_of(results, "late-update")
    assert "status_conflict" in words_of(results, "late-update")


def test_a_part_that_the_site_refuses_alone(walk, replace, spoiled):
    def without_comment(request):
        left = {**request, "fields": {}}
        status, said = spoiled.honest(left)
        row = {"what": "fields.COMMENTS", "code": "refused", "message": "Комментарии закрыты", "step": "order"}
        return status, {**said, "refused": [row, *said.get("refused", [])]}

    replace("order.update", without_comment, of_step("texts"))
    results = walk()
    kinds = {(one.kind, one.name) for one in results["texts"].differences}
    assert (Kind.PART_REFUSED, "fields.COMMENTS") in kinds
    assert "Комментарии закрыты" in words_of(results, "texts")
    assert (Kind.FIELD, "COMMENTS") not in kinds, "reported once"


def test_too_long_a_text_that_is_taken_and_marks_the_order(walk, spoil, site):
    def take(request, status, said):
        said.pop("refused")
        site.site.set_property_silently(request["order_id"], "postcardText", "Ж" * 500)
        site.site.write_raw(request["order_id"], {"MARKED": "Y"})

    spoil("order.update", take, of_step("too-long"))
    results = walk()
    kinds = {(one.kind, one.name) for one in results["too-long"].differences}
    assert {
        (Kind.PART_NOT_REFUSED, "properties.postcardText"),
        (Kind.FIELD, "MARKED"),
        (Kind.FIELD, "properties.postcardText"),
    } <= kinds
    assert "Ж" * 81 not in words_of(results, "too-long"), "long values are cut"


@pytest.mark.parametrize("warning", [{"code": "marked", "message": "Сайт пометил заказ"}, "Сайт пометил заказ"])
def test_a_warning_that_was_not_expected(walk, spoil, warning):
    spoil("order.update", lambda _, status, said: said.update(warnings=[warning]), of_step("fee"))
    results = walk()
    assert [one.kind for one in results["fee"].differences] == [Kind.WARNING]
    assert "Сайт пометил заказ" in words_of(results, "fee")


def test_a_create_that_does_not_know_its_xml_id_again(walk, spoil):
    seen = []

    def another(_request, _status, said):
        seen.append(said["order_id"])
        if len(seen) == 2:
            said.update(created=True, order_id=5)

    spoil("order.create", another)
    results = walk()
    assert {(one.kind, one.name) for one in results["create-again"].differences} == {
        (Kind.FIELD, "created"),
        (Kind.FIELD, "order_id"),
    }


def test_a_request_that_is_done_twice(walk, spoil):
    seen = []

    def forget(_request, status, said):
        seen.append(said)
        said["repeated"] = False

    spoil("order.update", forget, of_step("texts"))
    assert only(walk(), "repeat") == [(Kind.FIELD, "repeated")]
    assert len(seen) == 2


def test_a_line_that_is_made_new(walk, spoil):
    def new_line(_request, _status, said):
        line = said.get("order", {"basket": []})["basket"]
        if line and line[0]["QUANTITY"] == "2.0000":
            line[0]["ID"] = "777"

    spoil("order.get", new_line)
    assert (Kind.FIELD, "basket.1.ID") in [(one.kind, one.name) for one in walk()["quantity"].differences]


def test_a_price_that_takes_the_list_price_with_it(walk, spoil):
    def overwrite(_request, _status, said):
        for line in said.get("order", {}).get("basket", []):
            line["BASE_PRICE"] = line["PRICE"]

    spoil("order.get", overwrite)
    results = walk()
    (one,) = results["discount"].differences
    assert (one.name, one.site, one.expected) == ("basket.1.BASE_PRICE", Decimal(90), Decimal(100))
    assert "BASE_PRICE" in words_of(results, "discount")
    assert "90,00" in words_of(results, "discount")


def test_a_line_too_many(walk, spoil):
    def one_more(_request, _status, said):
        basket = said.get("order", {}).get("basket", [])
        basket.extend([{**basket[0], "ID": "9"}] if basket else [])

    spoil("order.get", one_more)
    assert only(walk(), "create") == [(Kind.FIELD, "basket.count")]


def test_a_site_without_some_of_the_properties(walk, spoil, site):
    def fewer(_request, _status, said):
        properties = said.get("order", {}).get("properties", {})
        for code in ("postcardText", "isSurprise", "iWillGet"):
            properties.pop(code, None)

    spoil("order.get", fewer)
    results = walk()
    missing = [one.name for one in results["create"].differences if one.kind is Kind.NO_PROPERTY]
    assert missing == ["postcardText", "isSurprise"], "pickup stands for iWillGet"
    assert results["letters"].mark is Mark.NOT_DONE
    assert "postcardText" in results["letters"].reason
    assert differing(results) == ["create", "letters"]
    assert "addressRecipient" in results["too-long"].calls[0].request["properties"], "another text is tried"


def test_an_order_that_belongs_to_an_account_of_a_person(walk, spoil):
    spoil("order.get", lambda _, status, said: said.get("order", {"user": {}})["user"].update(EXTERNAL_AUTH_ID=None))
    assert only(walk(), "create") == [(Kind.FIELD, "user.EXTERNAL_AUTH_ID")]


def test_an_order_that_is_still_there_after_it_was_deleted(walk, replace):
    replace("order.delete", lambda request: (200, {"success": True, "order_id": request["order_id"], "deleted": True}))
    assert only(walk(), "gone") == [(Kind.NOT_REFUSED, "order_not_found")]


class TestReference:
    def test_an_empty_list(self, walk, spoil):
        spoil("reference", lambda _, status, said: said.update(cities=[]))
        results = walk()
        assert [(one.kind, one.name) for one in results["reference"].differences] == [(Kind.SETTING, "cities")]
        assert "city" not in results["choices"].calls[0].request["properties"]

    def test_a_list_and_a_column_that_are_missing(self, walk, spoil):
        def change(_request, _status, said):
            said.pop("shops")
            said["slots"] = [{"id": "1", "name": "0:00-1:00"}]

        spoil("reference", change)
        names = [(one.kind, one.name) for one in walk()["reference"].differences]
        assert names == [
            (Kind.MISSING, "shops"),
            (Kind.MISSING, "slots.ends_at"),
            (Kind.MISSING, "slots.starts_at"),
        ]

    def test_another_status_is_taken_where_there_is_no_accepted(self, walk, spoil):
        spoil("reference", lambda _, status, said: said.update(statuses=[{"id": "PD", "name": "x", "sort": 1}]))
        assert walk()["status"].calls[0].request["status_id"] == "PD"

    @pytest.mark.parametrize("codes", [["N"], ["N", "ZZ", "F"], []])
    def test_no_status_that_could_be_set(self, walk, spoil, codes):
        rows = [{"id": code, "name": code, "sort": 1} for code in codes]
        spoil("reference", lambda _, status, said: said.update(statuses=rows))
        results = walk()
        not_done = {key for key, one in results.items() if one.mark is Mark.NOT_DONE}
        assert not_done == {"status", "late-status", "late-update", "status-and-text"}
        assert all(results[key].reason for key in not_done)

    def test_no_pay_system(self, walk, spoil):
        spoil("reference", lambda _, status, said: said.update(pay_systems=[]))
        results = walk()
        assert results["create"].mark is Mark.AS_EXPECTED
        assert {key for key, one in results.items() if one.mark is Mark.NOT_DONE} == {"pay", "list-paid", "unpay"}

    @pytest.mark.parametrize(
        ("configured", "chosen"), [({3: "kaspi", 2: "cash"}, 2), ({9: "cash", 3: "kaspi"}, 3), ({9: "card"}, 1)]
    )
    def test_cash_is_preferred_and_ids_need_not_be_those_of_the_stand_in(self, walk, settings, configured, chosen):
        settings.BITRIX_PAY_SYSTEMS = configured
        settings.BITRIX_DELIVERY_ID = 2
        results = walk()
        assert results["create"].calls[0].request["payment_method_id"] == chosen
        assert differing(results) == []

    def test_a_delivery_that_the_site_has_not(self, walk, settings):
        settings.BITRIX_DELIVERY_ID = 77
        results = walk()
        kinds = {(one.kind, one.name) for one in results["create"].differences}
        assert kinds == {(Kind.WARNING, "no_delivery"), (Kind.FIELD, "DELIVERY_ID")}


class TestPing:
    def test_webhooks_that_are_not_installed(self, walk, spoil):
        spoil("ping", lambda _, status, said: said.update(webhook_installed=False, agent_installed=False))
        assert only(walk(), "ping") == [(Kind.SETTING, "webhook_installed")]

    def test_a_queue_that_is_stuck(self, walk, spoil):
        state = {"queue_failed": 2, "queue_age_seconds": 900, "last_error": "order.create 5: HTTP 401"}
        spoil("ping", lambda _, status, said: said.update(**state, agent_installed=False))
        results = walk()
        assert [one.name for one in results["ping"].differences] == [
            "agent_installed",
            "queue_failed",
            "queue_age_seconds",
        ]
        assert "HTTP 401" in words_of(results, "ping")

    @pytest.mark.parametrize(
        ("last_run", "names"),
        [("2026-01-01T10:00:00+05:00", ["agent_last_run"]), (None, []), ("2199-01-01T10:00:00+05:00", [])],
    )
    def test_agents_that_do_not_run(self, walk, spoil, last_run, names):
        spoil("ping", lambda _, status, said: said.update(agent_installed=True, agent_last_run=last_run))
        assert [one.name for one in walk()["ping"].differences] == names

    def test_versions_that_are_not_said(self, walk, spoil):
        spoil("ping", lambda _, status, said: said["versions"].pop("sale") and None)
        assert only(walk(), "ping") == [(Kind.MISSING, "versions.sale")]


def test_the_stand_in_forgets_what_is_undone():
    memory = stand_in.StandIn()
    request = {"action": "order.create", "items": [{"quantity": 1, "price": 1}], "xml_id": "crm-check-1"}
    order_id = memory.send(request).said["order_id"]
    change = {"action": "order.update", "order_id": order_id, "fields": {"COMMENTS": "x"}}
    memory.send(change)
    memory.undo()
    order = memory.send({"action": "order.get", "order_id": order_id}).said["order"]
    assert (order["COMMENTS"], order["VERSION"]) == ("", "0")
