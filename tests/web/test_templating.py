"""Templates are compiled for each language: everybody reads their own; what is filled in stays harmless."""

from flask import Flask, render_template_string
from flask_babel import gettext

from rental.identity.permissions import Role
from tests.support.story import Story


def _shown(app: Flask, language: str, source: str, **values: object) -> str:
    with app.test_request_context("/", headers={"Accept-Language": language}):
        return render_template_string(source, **values)


def test_two_readers_of_one_page_each_get_their_language(story: Story) -> None:
    english = story.signed_in(story.person(Role.WAREHOUSE, email="en@example.jp", language="en"))
    japanese = story.signed_in(story.person(Role.WAREHOUSE, email="ja@example.jp", language="ja"))
    for _ in range(2):
        assert '<html lang="en"' in (first := english.get("/account").text)
        assert '<html lang="ja"' in (second := japanese.get("/account").text)
        assert "Change password" in first
        assert "Change password" not in second


def test_a_sentence_of_a_template_is_the_one_of_the_catalogue(app: Flask) -> None:
    for language in ("en", "ja"):
        with app.test_request_context("/", headers={"Accept-Language": language}):
            expected = gettext("Sign out")
        assert _shown(app, language, '{% extends "layouts/public.html" %}').startswith("<!doctype html>")
        assert _shown(app, language, '{{ _("Sign out") }}') == expected


def test_what_is_filled_into_a_sentence_is_escaped(app: Flask) -> None:
    shown = _shown(app, "en", '{{ _("Menu of %(name)s", name=name) }}', name="<b>&")
    assert shown == "Menu of &lt;b&gt;&amp;"
    assert _shown(app, "en", '{{ _("100 %% of <i>it</i>") }}') == "100 % of <i>it</i>"


def test_only_what_stays_the_same_is_written_out(app: Flask) -> None:
    source = "{{ url_for('units.show', unit_id=unit_id) }} {{ url_for('home.index') }}"
    first, second = (f"00000000-0000-7000-8000-00000000000{digit}" for digit in (1, 2))
    for unit_id in (first, second):
        assert _shown(app, "en", source, unit_id=unit_id) == f"/units/{unit_id} /"


def test_icons_are_drawn_alike_at_once_and_later(https_app: Flask) -> None:
    with https_app.test_request_context("/", base_url="https://rental.example.jp"):
        at_once = render_template_string('{{ icon("bell") }}')
        later = render_template_string("{{ icon(name) }}", name="bell")
    assert at_once == later
    assert at_once.startswith("<svg")
    assert at_once.endswith('#bell"/></svg>')
