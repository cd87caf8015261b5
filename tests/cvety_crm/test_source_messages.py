"""Which texts are found in sources: each way of writing one, and none that is not there."""

from pathlib import Path

from cvety_crm.source_messages import (
    Message,
    calls_in_python,
    messages_below,
    messages_in_python,
    messages_in_template,
    placeholders,
)

HERE = Path("orders/admin.py")


def _python(source):
    return list(messages_in_python(source, HERE))


def _template(source):
    return list(messages_in_template(source, Path("page.html")))


def test_every_function_of_gettext():
    assert _python(
        """
a = _("one")
b = translation.gettext("two")
c = gettext_lazy("three")
d = gettext_noop("four")
e = pgettext("person", "name")
f = ngettext("%(n)s order", "%(n)s orders", n)
g = npgettext_lazy("list", "%(n)s row", "%(n)s rows", n)
"""
    ) == [
        Message("one"),
        Message("two"),
        Message("three"),
        Message("four"),
        Message("name", context="person"),
        Message("%(n)s order", "%(n)s orders"),
        Message("%(n)s row", "%(n)s rows", "list"),
    ]


def test_texts_in_pieces_and_inside_others():
    assert _python('_("one " "text")') == [Message("one text")]
    assert _python("f'🚚 {gettext(\"Delivery\")} {price}'") == [Message("Delivery")]
    assert _python('_("a") if gettext("b") else ngettext("c", "d", len(_("e")))') == [
        Message("a"),
        Message("b"),
        Message("c", "d"),
        Message("e"),
    ]


def test_computed_texts_are_told_and_not_collected():
    assert _python('gettext(name); pgettext("weekday", DAYS[0]); other("text"); _()') == []
    assert list(calls_in_python('pgettext("weekday", DAYS[0])')) == [("pgettext", ["weekday", None])]


def test_every_tag_of_a_template():
    assert _template(
        """{% load i18n %}
<a title="{% translate "Open it" %}">{% trans 'It is "open"' context "door" %}</a>
{% blocktranslate count n=x %}One {{ n }} of {{ total }}{% plural %}Many: {{ n }}{% endblocktranslate %}
{% include "x.html" with title=_("Title") %}
{% blocktranslate trimmed %}
  two
  lines
{% endblocktranslate %}
{% comment %}{% translate "not this" %}{% endcomment %}"""
    ) == [
        Message("Open it"),
        Message('It is "open"', context="door"),
        Message("One %(n)s of %(total)s", "Many: %(n)s"),
        Message("Title"),
        Message("two lines"),
    ]


def test_files_below_a_folder(tmp_path):
    (tmp_path / "app/templates").mkdir(parents=True)
    (tmp_path / "app/models.py").write_text('_("a model")')
    (tmp_path / "app/notes.txt").write_text('{% load i18n %}{% translate "no template" %}')
    (tmp_path / "app/templates/page.html").write_text('{% load i18n %}{% translate "a page" %}')
    found = list(messages_below(tmp_path / "app", tmp_path))
    assert [(message.text, message.file.as_posix()) for message in found] == [
        ("a model", "app/models.py"),
        ("a page", "app/templates/page.html"),
    ]
    assert list(messages_below(tmp_path / "app", tmp_path, counts=lambda file: file.suffix == ".py")) == found[:1]


def test_placeholders():
    assert placeholders("%(b)s of %s, {a}, {point:X}, 100%%, 5%") == ["%(b)s", "%s", "{a}", "{point:X}"]
