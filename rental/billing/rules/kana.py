"""Names as banks write them: half-width kana in capital size, with legal forms shortened (全銀協標準)."""

import re
import unicodedata
from enum import StrEnum

from rental.core.errors import Invalid

VOICE_MARKS = "ﾞﾟ"
# What a name may be made of: no ｦ, no small kana, and a voice mark only after a kana that takes it.
NAME = re.compile(r"(?:[0-9A-Z ()\-.]|[ｱ-ﾝ](?:(?<=[ｳｶ-ﾄﾊ-ﾎ])ﾞ|(?<=[ﾊ-ﾎ])ﾟ)?)+")

_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_HIRAGANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_SIGNS = str.maketrans({**dict.fromkeys("‐‑‒–—―−ー", "-"), "・": ".", "。": ".", "、": "."})
_HALF = {unicodedata.normalize("NFKC", kana): kana for kana in map(chr, range(0xFF71, 0xFF9E))} | {
    "\u3099": VOICE_MARKS[0],
    "\u309a": VOICE_MARKS[1],
}

# Legal forms and kinds of office, as they are written and as they are read, with what banks shorten them to.
_SHORT = {
    "カ": ("株式会社", "カブシキガイシャ", "(株)"),
    "ユ": ("有限会社", "ユウゲンガイシャ", "(有)"),
    "メ": ("合名会社", "ゴウメイガイシャ", "(名)"),
    "シ": ("合資会社", "ゴウシガイシャ", "(資)"),
    "ド": ("合同会社", "ゴウドウガイシャ"),
    "イ": (
        *("医療法人社団", "医療法人財団", "社会医療法人", "医療法人"),
        *(
            "イリョウホウジンシャダン",
            "イリョウホウジンザイダン",
            "シャカイイリョウホウジン",
            "イリョウホウジン",
        ),
    ),
    "ザイ": (
        *("一般財団法人", "公益財団法人", "財団法人", "(財)"),
        *("イッパンザイダンホウジン", "コウエキザイダンホウジン", "ザイダンホウジン"),
    ),
    "シヤ": (
        *("一般社団法人", "公益社団法人", "社団法人", "(社)"),
        *("イッパンシャダンホウジン", "コウエキシャダンホウジン", "シャダンホウジン"),
    ),
    "シユウ": ("宗教法人", "シュウキョウホウジン"),
    "ガク": ("学校法人", "ガッコウホウジン", "(学)"),
    "フク": ("社会福祉法人", "シャカイフクシホウジン", "(福)"),
    "ソ": ("相互会社", "ソウゴガイシャ"),
    "トクヒ": (
        *("特定非営利活動法人", "NPO法人"),
        *("トクテイヒエイリカツドウホウジン", "NPOホウジン", "エヌピーオーホウジン"),
    ),
    "ドク": ("独立行政法人", "ドクリツギョウセイホウジン"),
    "ベン": ("弁護士法人", "ベンゴシホウジン"),
    "ギヨ": ("行政書士法人", "ギョウセイショシホウジン"),
    "シホウ": ("司法書士法人", "シホウショシホウジン"),
    "ゼイ": ("税理士法人", "ゼイリシホウジン"),
    "ダイ": ("国立大学法人", "コクリツダイガクホウジン"),
    "ノウ": ("農事組合法人", "ノウジクミアイホウジン"),
    "ロウム": ("社会保険労務士法人", "シャカイホケンロウムシホウジン"),
    "エイ": ("営業所", "エイギョウショ"),
    "シユツ": ("出張所", "シュッチョウジョ"),
}


class NotBankKana(Invalid):
    """A name has a character that no bank file can hold: a kanji whose reading nobody gave, a sign."""

    code = "billing.not_bank_kana"

    def __init__(self, field: str, *, name: str, character: str) -> None:
        super().__init__(name=name, character=character)
        self.field = field


class Place(StrEnum):
    """Where a shortened legal form stands in a name, by the brackets that set it off."""

    HEAD = "{})"
    MIDDLE = "({})"
    TAIL = "({}"


def bank_kana(name: str, field: str = "name") -> str:
    """The name in the characters of a bank file, not cut to any length. Raises NotBankKana.

    >>> bank_kana("ゴウドウガイシャ　サービス")
    'ﾄﾞ)ｻ-ﾋﾞｽ'
    """
    plain = _FORMS.sub(_shortened, _plain(name))
    written = _half(plain)
    if NAME.fullmatch(written):
        return written
    wrong = (each for each in unicodedata.normalize("NFC", plain) if not NAME.fullmatch(_half(each)))
    raise NotBankKana(field, name=name, character=next(wrong, plain[:1]))


def cut(text: str, width: int) -> str:
    """The first so many bytes of a name, one fewer where a kana would lose its ﾞ or ﾟ.

    >>> cut("ﾃﾞﾝｷ", 1)
    ''
    """
    if len(text) > width and text[width] in VOICE_MARKS:
        return text[: max(width - 1, 0)]
    return text[:width]


def _plain(name: str) -> str:
    """Full-width katakana in capital size, Latin capitals, one space between words."""
    katakana = unicodedata.normalize("NFKC", name).translate(_HIRAGANA).upper()
    return " ".join(katakana.translate(_SMALL).translate(_SIGNS).split())


def _shortened(found: re.Match[str]) -> str:
    """A legal form becomes its sign; the blank that stood beside it goes."""
    text = found.string
    short = _BY_FORM[found["form"]]
    is_head, is_tail = found.start() == 0, found.end() == len(text)
    place = Place.HEAD if is_head else Place.TAIL if is_tail else Place.MIDDLE
    return place.format(short)


def _half(text: str) -> str:
    """Full-width kana by half-width ones, voice marks apart; what has none stays as it is."""
    return "".join(_HALF.get(each, each) for each in unicodedata.normalize("NFD", text))


_BY_FORM = {_plain(form): short for short, forms in _SHORT.items() for form in forms}
_FORMS = re.compile(rf" ?(?P<form>{'|'.join(map(re.escape, sorted(_BY_FORM, key=len, reverse=True)))}) ?")
