"""Names become what a bank file can hold, or say which character it cannot."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.billing.rules.kana import NAME, NotBankKana, bank_kana, cut

KATAKANA = "".join(chr(code) for code in range(0x30A1, 0x30F5) if chr(code) not in "ヮヰヱヲ")
HIRAGANA = KATAKANA.translate({code: code - 0x60 for code in range(0x30A1, 0x30F4)})
names = st.text(f"{KATAKANA}{HIRAGANA}ー・　 ABz(９").filter(str.strip)


@given(name=names)
def test_every_kana_name_can_be_written_one_byte_a_character(name: str) -> None:
    written = bank_kana(name)
    assert NAME.fullmatch(written)
    assert len(written.encode("cp932")) == len(written)


@given(name=names)
def test_what_is_written_already_stays_so(name: str) -> None:
    written = bank_kana(name)
    assert bank_kana(written) == written


@given(name=st.text(max_size=12))
def test_any_text_is_written_or_refused(name: str) -> None:
    written = written_or_refused(name)
    assert written is None or NAME.fullmatch(written)


def written_or_refused(name: str) -> str | None:
    try:
        return bank_kana(name)
    except NotBankKana:
        return None


@given(name=names, width=st.integers(0, 20))
def test_a_cut_never_parts_a_kana_from_its_voice_mark(name: str, width: int) -> None:
    written = bank_kana(name)
    kept = cut(written, width)
    assert written.startswith(kept)
    assert len(kept) <= width
    rest = written[len(kept) :]
    assert rest[:1] not in ("ﾞ", "ﾟ")
    assert len(kept) >= min(width, len(written)) - 1


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("㈱ミドリ", "ｶ)ﾐﾄﾞﾘ"),
        ("ミドリ㈱", "ﾐﾄﾞﾘ(ｶ"),
        ("株式会社　ミドリ　東京", None),
        ("ミドリ カブシキガイシャ トウキョウ エイギョウショ", "ﾐﾄﾞﾘ(ｶ)ﾄｳｷﾖｳ(ｴｲ"),
        ("ミドリユウゲンガイシャ", "ﾐﾄﾞﾘ(ﾕ"),
        ("ゴウシガイシャヤマネコ", "ｼ)ﾔﾏﾈｺ"),
        ("いっぱんしゃだんほうじん もり", "ｼﾔ)ﾓﾘ"),
        ("社会福祉法人モリ", "ﾌｸ)ﾓﾘ"),
        ("社会医療法人モリ", "ｲ)ﾓﾘ"),
        ("NPO法人モリ", "ﾄｸﾋ)ﾓﾘ"),
        ("ｔｅｓｔ・ﾊﾟﾝ", "TEST.ﾊﾟﾝ"),
        ("ヴァイオリン", "ｳﾞｱｲｵﾘﾝ"),
        ("サービス－１", "ｻ-ﾋﾞｽ-1"),
    ],
)
def test_names_as_banks_shorten_them(name: str, written: str | None) -> None:
    if written is None:
        with pytest.raises(NotBankKana) as refused:
            bank_kana(name, "holder")
        assert refused.value.field == "holder"
        assert refused.value.params["character"] == "東"
    else:
        assert bank_kana(name) == written


@pytest.mark.parametrize(("name", "character"), [("ヲトメ", "ヲ"), ("A,B", ","), ("アﾞ", "\u3099"), ("", "")])
def test_what_no_bank_takes_is_named(name: str, character: str) -> None:
    with pytest.raises(NotBankKana) as refused:
        bank_kana(name)
    assert unicodedata.normalize("NFKC", str(refused.value.params["character"])) == character


def test_no_name_holds_what_banks_forbid() -> None:
    assert not any(NAME.fullmatch(each) for each in "ｦｧｨｩｪｫｬｭｮｯｰａa,/｢｣\\")
    assert re.fullmatch(NAME, "ｱﾞ") is None
