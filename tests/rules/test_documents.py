"""A document says what it was given, as it was given, and nothing of the machine it was made on."""

import os
from pathlib import Path

import pypdfium2
import pytest
import typst

from rental.core import documents
from rental.core.documents import render

MEMORY = Path("/proc/self/statm")


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    monkeypatch.setattr(documents, "TEMPLATES", folder)
    return folder


def text_of(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


def test_values_are_text_and_never_markup(templates: Path) -> None:
    (templates / "name.typ").write_text("#json(bytes(sys.inputs.content)).name")
    assert text_of(render("name.typ", {"name": "*#panic()* $x$ 髙"})) == "*#panic()* $x$ 髙"


def test_a_template_reads_the_files_given_and_those_beside_it(templates: Path) -> None:
    (templates / "letterhead.typ").write_text("#let head = [Head]")
    (templates / "letter.typ").write_text('#import "letterhead.typ": head\n#head #read("note.txt")')
    assert text_of(render("letter.typ", {}, {"note.txt": b"note"})) == "Head note"


def test_a_template_reads_nothing_outside_its_folder(templates: Path) -> None:
    (templates.parent / "secret.txt").write_text("secret")
    (templates / "nosy.typ").write_text('#read("../secret.txt")')
    with pytest.raises(typst.TypstError):
        render("nosy.typ", {})


def test_no_document_knows_what_time_it_is(templates: Path) -> None:
    (templates / "dated.typ").write_text("#datetime.today().display()")
    assert text_of(render("dated.typ", {})) == "1970-01-01"


def test_a_value_that_is_missing_makes_no_document(templates: Path) -> None:
    (templates / "name.typ").write_text("#json(bytes(sys.inputs.content)).name")
    with pytest.raises(typst.TypstError):
        render("name.typ", {})


@pytest.mark.slow
@pytest.mark.skipif(not MEMORY.exists(), reason="this system does not tell how much memory a process holds")
def test_large_documents_are_not_kept_in_memory(templates: Path) -> None:
    """Kept, each of these would take 30 MB until ten others have come."""
    (templates / "long.typ").write_text("#for line in json(bytes(sys.inputs.content)).lines [#line \\ ]")

    def held_after(document: int) -> int:
        render("long.typ", {"lines": [f"Document {document}, line {n}: {'word ' * 12}" for n in range(3000)]})
        return int(MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    held = [held_after(document) for document in range(5)]
    assert held[-1] - held[0] < 60_000_000
