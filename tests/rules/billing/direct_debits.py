"""How the worked example of a direct debit file is told to the rules."""

from datetime import date
from typing import Any

from rental.billing.rules.kana import bank_kana
from rental.billing.rules.zengin import (
    AccountType,
    Debit,
    DebitHeader,
    NewCode,
    read_debit_file,
    write_debit_file,
)
from rental.core.money import yen_of

# The example has the codes of the banks; a file has their names as well.
BANKS = {
    ("0001", "001"): ("ミズホ", "トウキョウ"),
    ("0005", "123"): ("ミツビシＵＦＪ", "シンジュク"),
    ("0009", "045"): ("ミツイスミトモ", "ウメダ"),
}
BATCH_YEAR = 2026


def direct_debit_file(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert [bank_kana(name) for name in given["full_kana"]] == expected["bank_kana"]

    debits = [
        _debit(each, holder) for each, holder in zip(given["data"], expected["bank_kana"], strict=False)
    ]
    header = _header(given["header"])
    content = write_debit_file(header, debits)
    records = [content[at : at + 120] for at in range(0, len(content), 120)]
    assert [record.decode("cp932") for record in records] == expected["records"]
    assert [len(record) for record in records] == expected["record_bytes"]
    assert int(records[-2][1:7]) == expected["trailer_count"]
    assert int(records[-2][7:19]) == expected["trailer_amount"]
    assert read_debit_file(content, year=BATCH_YEAR).header == header


def _header(given: dict[str, Any]) -> DebitHeader:
    bank_name, branch_name = _names(given)
    return DebitHeader(
        given["client_code"],
        given["client_name"],
        date(BATCH_YEAR, int(given["debit_mmdd"][:2]), int(given["debit_mmdd"][2:])),
        given["bank"],
        bank_name,
        given["branch"],
        branch_name,
        AccountType(str(given["account_type"])),
        given["account"],
    )


def _debit(given: dict[str, Any], holder: str) -> Debit:
    bank_name, branch_name = _names(given)
    return Debit(
        given["bank"],
        bank_name,
        given["branch"],
        branch_name,
        AccountType(str(given["type"])),
        given["account"],
        holder,
        yen_of(given["amount"]),
        NewCode(str(given["new"])),
        str(given["customer"]),
    )


def _names(given: dict[str, Any]) -> tuple[str, str]:
    bank, branch = BANKS[given["bank"], given["branch"]]
    return bank_kana(bank), bank_kana(branch)
