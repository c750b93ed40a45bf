"""Rules for every module and template that no tool checks for us."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "rental"
TEMPLATES = ROOT / "templates"
MOST_LINES = 400

# Modules longer than a reader likes, each with the reason.
LONG: dict[str, str] = {
    "rental/migrations/versions/0001_foundation.py": "the first tables, in the order they are made",
}
# Calls that send SQL; their text must not be put together from pieces.
_SQL_CALLS = {"text", "execute", "exec_driver_sql", "scalar", "scalars"}
# Statements that no parameter can be bound in, put together from constants of the same module.
MADE_OF_CONSTANTS = {
    "rental/core/db.py": "PRAGMA takes no parameters",
    "rental/migrations/versions/0001_foundation.py": "the triggers that guard the audit log",
    "rental/migrations/versions/0007_ledgers.py": "the triggers that guard the ledgers",
    "rental/migrations/versions/0009_billing.py": "the triggers that guard invoices",
    "rental/migrations/versions/0010_agreed_terms.py": "constraints by name, and the triggers of its ledgers",
    "rental/migrations/versions/0011_documents.py": "the triggers that guard the books",
    "rental/migrations/versions/0015_payments.py": "constraints by name, and the triggers of payments",
    "rental/migrations/versions/0021_kept_credits.py": "a constraint by name",
    "rental/migrations/versions/0016_papers.py": "triggers, and how each database counts days",
}
# Nothing marks text as safe; with an entry comes the reason.
SAFE: dict[str, str] = {}


def _modules() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def _templates() -> Iterator[tuple[str, str]]:
    for path in sorted(TEMPLATES.rglob("*.html")):
        content = path.read_text(encoding="utf-8")
        yield path.relative_to(ROOT).as_posix(), re.sub(r"\{#.*?#\}", "", content, flags=re.DOTALL)


def _is_put_together(node: ast.expr) -> bool:
    match node:
        case ast.JoinedStr():
            return any(isinstance(value, ast.FormattedValue) for value in node.values)
        case ast.BinOp(op=ast.Mod() | ast.Add()):
            sides = (node.left, node.right)
            return any(_is_text(side) for side in sides) and not all(
                isinstance(s, ast.Constant) for s in sides
            )
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "replace")):
            return True
    return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _put_together_sql(content: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(content))
        if isinstance(node, ast.Call)
        and _called(node) in _SQL_CALLS
        and any(_is_put_together(argument) for argument in node.args)
    ]


def test_the_rule_for_sql_sees_every_way_of_putting_text_together() -> None:
    bad = (
        'text(f"SELECT {x}")',
        's.execute("SELECT %s" % x)',
        's.execute("SELECT " + x)',
        'text("SELECT {}".format(x))',
        'c.exec_driver_sql(f"PRAGMA {x}")',
        's.execute(text(f"DELETE FROM {t}"))',
        'text(" ".join(parts))',
    )
    assert [_put_together_sql(line) for line in bad] == [[1]] * len(bad)
    assert _put_together_sql('s.execute(text("SELECT :x"), {"x": f"{x}"})') == []


def test_no_sql_is_put_together_from_pieces() -> None:
    found = {name: lines for name, content in _modules() if (lines := _put_together_sql(content))}
    assert {name: lines for name, lines in found.items() if name not in MADE_OF_CONSTANTS} == {}
    assert set(MADE_OF_CONSTANTS) - set(found) == set()


def test_nothing_is_marked_as_safe_markup() -> None:
    marks = re.compile(r"\|\s*safe\b|\bMarkup\(|render_template_string|autoescape\s+false|\bfrom_string\(")
    found = {name for name, content in (*_modules(), *_templates()) if marks.search(content)}
    assert found == set(SAFE)


def test_templates_hold_no_script_and_no_style() -> None:
    rules = {
        "inline script": r"<script(?![^>]*\bsrc=)",
        "inline style": r"<style\b|\sstyle\s*=",
        "handler": r"\son[a-z]+\s*=|hx-on",
        "javascript:": r"javascript:",
        "another host": r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//",
        "unquoted attribute": r"<[a-z][^<>{}]*\s[a-z-]+=\{\{",
    }
    found = [
        f"{name}: {what}"
        for name, content in _templates()
        for what, rule in rules.items()
        if re.search(rule, content, re.IGNORECASE)
    ]
    assert found == []


def test_every_form_of_a_template_that_posts_has_its_token() -> None:
    posting = re.compile(r"<form\b[^>]*method=\"post\".*?</form>", re.DOTALL)
    missing = [
        name
        for name, content in _templates()
        for form in posting.findall(content)
        if 'name="csrf_token"' not in form and "hidden(" not in form
    ]
    assert missing == []


def test_every_module_says_in_a_sentence_what_it_is() -> None:
    missing = [
        name
        for name, content in _modules()
        if not (said := ast.get_docstring(ast.parse(content))) or not said.split("\n")[0].endswith((".", "?"))
    ]
    assert missing == []


def test_no_module_is_longer_than_a_reader_likes() -> None:
    counts = {name: content.count("\n") for name, content in (*_modules(), *_templates())}
    assert {name: n for name, n in counts.items() if n > MOST_LINES and name not in LONG} == {}
    assert [name for name in LONG if counts.get(name, 0) <= MOST_LINES - 50] == []


def test_no_route_is_open_to_all_without_a_reason() -> None:
    """A new public route changes this list, and somebody looks at it twice."""
    public = {
        f"{name}:{node.name}"
        for name, content in _modules()
        for node in ast.walk(ast.parse(content))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(mark, ast.Name) and mark.id == "public" for mark in node.decorator_list)
    }
    assert public == {
        "rental/web/health.py:healthz",
        "rental/web/health.py:readyz",
        "rental/web/label_codes.py:open_code",
        "rental/web/sign_in/sign_in.py:ask",
        "rental/web/sign_in/sign_in.py:answer",
        "rental/web/sign_in/sign_in.py:sign_out",
        "rental/web/sign_in/set_up.py:ask",
        "rental/web/sign_in/set_up.py:answer",
        "rental/web/sign_in/preferences.py:change",
        "rental/web/styleguide.py:show",
        "rental/web/styleguide.py:check",
    }
