"""Every sentence of the screens exists in Japanese, in the words of the glossary, and pages show no other."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import get_domain

from rental.assurance.checking import start_check
from rental.identity.accounts import open_set_up_link
from rental.identity.permissions import Role
from tests.support.story import Browser, Story
from tests.web.html import Element, read_page

ROOT = Path(__file__).resolve().parents[2]
TRANSLATIONS = ROOT / "rental" / "translations"
JAPANESE = TRANSLATIONS / "ja" / "LC_MESSAGES" / "messages.po"

# Sentences that Japanese readers see in English: the name of a procedure is the same everywhere.
SAME_IN_BOTH = frozenset({"SHA-256"})

# English words as patterns, and what a translation of them must contain.
GLOSSARY = {
    r"(?<!billing )(?<!bank )(?<!ledger )accounts?": "アカウント",
    r"ledger accounts?": "勘定科目",
    r"billing accounts?": "請求先",
    r"audit log": "監査ログ",
    r"billing period": "請求期間",
    r"business date": "業務日付",
    r"closing|billing run": "請求締め",
    r"contracts?": "契約",
    r"contract lines?": "契約明細",
    r"contract terms?": "契約期間",
    r"credit notes?": "返還請求書",
    r"customers?": "顧客",
    r"equipment models?": "機種",
    r"findings?": "検出事項",
    r"invoices?": "請求書",
    r"(?<!periodic )jobs?": "ジョブ",
    r"kits?": "キット",
    r"label codes?": "ラベルコード",
    r"machines?|units?": "機器",
    r"maintenance plans?": "保守計画",
    r"movements?": "移動",
    r"parked|on hold": "保留",
    r"people|person": "利用者|本人",
    r"placements?": "設置履歴",
    r"rate plans?": "料金プラン",
    r"roles?": "役割",
    r"routes?": "巡回",
    r"scenarios?": "比較案",
    r"serial numbers?": "製造番号",
    r"set-up links?": "パスワード設定リンク",
    r"(?<!on )sites?": "設置先",
    r"slots?": "設置枠",
    r"stock locations?": "保管場所",
    r"visits?": "訪問",
    r"work orders?": "作業指示",
    r"worker": "ワーカー",
}

# First choices of a filter: the label of the field, right above, says of what these are all.
SAID_BY_THE_LABEL = {"All jobs", "All roles", "All states"}

# Names that are the same wherever they stand.
NAMES = {
    "Genba": "現場便",
    "Administrator": "管理者",
    "Sales": "営業",
    "Warehouse": "倉庫",
    "Dispatcher": "配車",
    "Technician": "技術員",
    "Billing": "請求",
    "Customer": "顧客",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """The Japanese catalogue as it stands in the tree."""
    with JAPANESE.open("rb") as file:
        return read_po(file, locale="ja")


@pytest.fixture(scope="module")
def compiled(catalogue: Catalog) -> None:
    """What scripts/run does at set-up: the catalogue as the product reads it."""
    made = JAPANESE.with_suffix(".mo")
    if made.exists() and made.stat().st_mtime >= JAPANESE.stat().st_mtime:
        return
    half_done = made.with_name("messages.mo.test")
    with half_done.open("wb") as file:
        write_mo(file, catalogue)
    half_done.replace(made)


@pytest.fixture
def japanese_story(compiled: None, app: Flask, story: Story) -> Story:
    """A story in a product that read the catalogue of now."""
    with app.app_context():
        get_domain().cache.clear()
    return story


def sentences(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def english(message: Message) -> list[str]:
    """The sentence, or its singular and plural."""
    return [message.id] if isinstance(message.id, str) else list(message.id)


def japanese(message: Message) -> list[str]:
    return [message.string or ""] if isinstance(message.string, str) else list(message.string or [""])


def placeholders(texts: list[str]) -> list[str]:
    """The placeholders in one text; singular and plural of the same sentence hold the same ones."""
    found = {tuple(sorted(re.findall(r"%\(\w+\)\w", text))) for text in texts}
    assert len(found) == 1, texts
    return list(found.pop())


def test_every_sentence_is_translated(catalogue: Catalog) -> None:
    unfinished = [m.id for m in sentences(catalogue) if m.fuzzy or not all(japanese(m))]
    assert unfinished == []


def test_the_catalogue_holds_the_sentences_of_the_sources_and_no_others(
    catalogue: Catalog, tmp_path: Path
) -> None:
    """When this fails: run scripts/translate, then translate what it names."""
    template = tmp_path / "messages.pot"
    options = ["--quiet", "extract", f"--mapping={TRANSLATIONS / 'babel.cfg'}", f"--output={template}"]
    command = [sys.executable, "-m", "babel.messages.frontend", *options, "rental", "templates"]
    subprocess.run(command, cwd=ROOT, check=True)
    with template.open("rb") as file:
        in_sources = {m.id for m in sentences(read_po(file))}
    in_catalogue = {m.id for m in sentences(catalogue)}
    assert in_sources - in_catalogue == set()
    assert in_catalogue - in_sources == set()
    assert not catalogue.obsolete


def test_the_header_names_no_day_no_machine_and_nobody() -> None:
    header, _, _ = JAPANESE.read_text("utf-8").partition("\n\n")
    names = re.findall(r'^"([\w-]+):', header, re.MULTILINE)
    assert sorted(names) == [
        "Content-Transfer-Encoding",
        "Content-Type",
        "Language",
        "MIME-Version",
        "Plural-Forms",
    ]


def test_numbers_and_names_arrive_in_both_languages(catalogue: Catalog) -> None:
    assert [errors for _, errors in catalogue.check()] == []
    differ = [m.id for m in sentences(catalogue) if placeholders(english(m)) != placeholders(japanese(m))]
    assert differ == []


def test_no_translation_is_the_english_text(catalogue: Catalog) -> None:
    same = {text for m in sentences(catalogue) for text in english(m) if text in japanese(m)}
    assert same == SAME_IN_BOTH


@pytest.mark.parametrize("word", GLOSSARY, ids=str)
def test_a_word_of_the_glossary_has_one_translation(catalogue: Catalog, word: str) -> None:
    pattern = re.compile(rf"(?<!\()\b({word})\b", re.IGNORECASE)
    otherwise = [
        (m.id, m.string)
        for m in sentences(catalogue)
        if pattern.search(english(m)[0])
        and m.id not in SAID_BY_THE_LABEL
        and not all(re.search(GLOSSARY[word], text) for text in japanese(m))
    ]
    assert otherwise == []


def test_names_are_always_the_same(catalogue: Catalog) -> None:
    assert {name: catalogue[name].string for name in NAMES if name in catalogue} == NAMES


def test_punctuation_is_japanese(catalogue: Catalog) -> None:
    """A sentence ends with 。 where the English one ends with a full stop; no half-width marks in between."""
    for message in sentences(catalogue):
        for text in japanese(message):
            assert text.endswith("。") == english(message)[0].endswith((".", "must be?")), text
            assert not re.search(r"[ぁ-んァ-ヶ一-龠][,.!?:;()]", text), text
            assert "エラーが発生しました" not in text


def pages_of(browser: Browser, paths: tuple[str, ...]) -> dict[str, Element]:
    """Each page, and the first page that each list leads to."""
    pages = {}
    for path in paths:
        answer = browser.get(path)
        assert answer.status_code < 500, path
        pages[path] = read_page(answer.text)
        if row := re.search(rf'<td[^>]*><a[^>]* href="({path}/[0-9a-f-]{{36}})"', answer.text):
            pages[row[1]] = read_page(browser.get(row[1]).text)
    return pages


def said_on(page: Element) -> str:
    """Everything a page shows or reads out, a line for each piece."""
    pieces = [child for element in page for child in element.children if isinstance(child, str)]
    spoken = ("aria-label", "placeholder", "title", "alt", "data-label", "data-announce")
    pieces += [element.attributes[name] for element in page for name in spoken if name in element.attributes]
    return "\n".join(" ".join(piece.split()) for piece in pieces if piece.strip())


def english_on(page: Element, catalogue: Catalog) -> list[str]:
    """The English sentences on a Japanese page that should have been Japanese ones."""
    (root,) = page.all("html")
    assert root.attributes["lang"] == "ja"
    text = said_on(page)
    return [
        sentence
        for message in sentences(catalogue)
        for sentence in english(message)
        if len(re.sub(r"%\(\w+\)\w|\W", "", sentence)) > 3 and _as_pattern(sentence).search(text)
    ]


def _as_pattern(sentence: str) -> re.Pattern[str]:
    """Anything may stand where the sentence has a placeholder."""
    pieces = re.split(r"%\(\w+\)\w", sentence)
    return re.compile(r"(?<![\w-])" + ".+?".join(re.escape(piece) for piece in pieces) + r"(?![\w-])")


VISITOR = None


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        (VISITOR, ("/sign-in",)),
        (
            Role.ADMINISTRATOR,
            (
                "/",
                "/people",
                "/people/new",
                "/people?q=nobody&role=sales",
                "/jobs",
                "/checks",
                "/audit",
                "/audit?from_day=2026-04-02&to_day=2026-04-01",
                "/notices",
                "/account",
                "/nowhere",
            ),
        ),
        (Role.TECHNICIAN, ("/m/", "/notices", "/account", "/people")),
        (Role.CUSTOMER, ("/portal/", "/notices", "/account", "/people")),
    ],
    ids=lambda value: str(value) if isinstance(value, Role) else "",
)
def test_no_english_is_left_on_a_japanese_page(
    japanese_story: Story, catalogue: Catalog, role: Role | None, paths: tuple[str, ...]
) -> None:
    story = japanese_story
    browser = story.visitor()
    if role is not VISITOR:
        person = story.person(role, name="小川 明日香", email="ogawa@example.jp", language="ja")
        browser = story.signed_in(person)
        with story.begin("worker") as uow:
            start_check(uow)
        story.everything_happens()
    pages = pages_of(browser, paths)
    left = {path: english_on(page, catalogue) for path, page in pages.items()}
    assert {path: found for path, found in left.items() if found} == {}
    if role is Role.ADMINISTRATOR:
        opened = {path.split("/")[1] for path in pages if path.count("/") == 2}
        assert opened == {"people", "jobs", "checks", "audit"}


def test_no_english_is_left_in_a_refusal(japanese_story: Story, catalogue: Catalog) -> None:
    story = japanese_story
    person = story.person(Role.ADMINISTRATOR, name="小川 明日香", email="ogawa@example.jp", language="ja")
    browser = story.signed_in(person)
    refused = {
        "nothing filled in": browser.post("/people/new"),
        "wrong password": browser.post("/account/password", {"current_password": "x", "password": "y"}),
        "no such choice": browser.post("/preferences", {"language": "tlh"}),
        "no token": browser.client.post("/checks", headers={"Accept": "text/html"}),
    }
    assert {name: answer.status_code for name, answer in refused.items()} == {
        "nothing filled in": 422,
        "wrong password": 409,
        "no such choice": 422,
        "no token": 400,
    }
    left = {name: english_on(read_page(answer.text), catalogue) for name, answer in refused.items()}
    assert {name: found for name, found in left.items() if found} == {}


def test_no_english_is_left_where_a_password_is_chosen(japanese_story: Story, catalogue: Catalog) -> None:
    story = japanese_story
    person = story.person(Role.SALES, name="森川 拓海", email="morikawa@example.jp", language="ja")
    with story.begin() as uow:
        token = open_set_up_link(uow, person.id)
    path = f"/set-up/{token}"
    visitor = story.visitor()
    assert english_on(read_page(visitor.get(path).text), catalogue) == []
    refused = visitor.post(path, {"password": "short"}, page=path)
    assert refused.status_code == 422
    assert english_on(read_page(refused.text), catalogue) == []


def test_a_number_of_things_is_said_without_a_plural(catalogue: Catalog) -> None:
    assert catalogue.num_plurals == 1
    assert all(len(japanese(m)) == 1 for m in sentences(catalogue))


def test_the_scan_finds_english(catalogue: Catalog) -> None:
    """The tests above prove something only if English would be seen."""
    page = read_page('<html lang="ja"><p>監査ログ</p><p aria-label="Audit log">小川: Menu of 小川</p></html>')
    assert english_on(page, catalogue) == ["Audit log", "Menu", "Menu of %(name)s"]
