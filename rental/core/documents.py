"""PDF documents from the templates in templates/documents: the same values always give the same bytes."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import noto_cjk
import typst

TEMPLATES = Path(__file__).parents[2] / "templates" / "documents"
_NO_FILES: Mapping[str, bytes] = MappingProxyType({})
_MAIN = "main.typ"
# What a template sees as today: a document says its date itself, or says none.
_NO_TIME = 0
# The engine keeps what its last ten documents were made of: for sheets of 1,000 labels, 60 MB each.
_DOCUMENTS_KEPT = 10
_LARGE = 200_000  # characters of content


def render(
    template_name: str, content: Mapping[str, object], files: Mapping[str, bytes] = _NO_FILES
) -> bytes:
    """The PDF that `template_name` makes of `content`, byte for byte the same on every machine.

    The template reads `json(bytes(sys.inputs.content))`: text arrives as a value, so that no name can be
    taken for markup. `files` are pictures and the like, read by the template under the names given here.
    Fonts are the installed Japanese ones and those inside the engine, never the machine's. A template that
    imports another finds it in the same folder, and nothing outside it.

    Raises `typst.TypstError` when the template is wrong or asks for a value that `content` lacks.
    """
    template = (TEMPLATES / template_name).read_bytes()
    given = json.dumps(content, ensure_ascii=False)
    try:
        return _compiled({**files, _MAIN: template}, given)
    finally:
        if len(given) > _LARGE:
            _forget_documents()


def _compiled(files: Mapping[str, bytes], content: str) -> bytes:
    compiler = typst.Compiler(
        dict(files),  # type: ignore[type-var]  # its stub does not know of several files yet
        root=TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"content": content},
    )
    made = compiler.compile(format="pdf", timestamp=_NO_TIME, pdf_tags=False)
    if not isinstance(made, bytes):
        raise TypeError("the template made no PDF")
    return made


def _forget_documents() -> None:
    """Give the memory of a large document back: so many empty ones push it out of the engine's cache."""
    for _ in range(_DOCUMENTS_KEPT + 1):
        _compiled({_MAIN: b""}, "")


@cache
def _fonts() -> typst.Fonts:
    """Noto Sans CJK JP, regular and bold, from its package; DejaVu Sans Mono comes with the engine."""
    folders = [noto_cjk.font_path("sans", "jp", weight).parent for weight in ("regular", "bold")]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)
