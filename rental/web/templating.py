"""Templates, compiled once for each language: what stays the same while the process runs is written out then.

Half the time of a page went into sentences, icons and addresses that are the same for everybody who reads
this language. They are looked up while a template is compiled, and become part of the text around them. What
is the same for one person on many pages, such as their menus, is drawn once and kept (`drawn_once`).
"""

import secrets
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from types import FunctionType, MethodType
from typing import Any
from uuid import UUID

from flask import Flask, current_app, has_request_context, request, url_for
from flask.templating import Environment
from flask_babel import get_translations
from jinja2 import Template, nodes
from jinja2.runtime import BlockReference, Context, Macro
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape
from werkzeug.routing import BuildError

from rental.web.assets import asset
from rental.web.formats import reader_language

# What a call of this name in a template comes to; None where only the page itself can tell.
Settled = Callable[..., str | None]


class PageContext(Context):
    """Calls functions and macros at once: Jinja looks each time whether one wants to know the template."""

    def call(self, called: Any, *values: Any, **named: Any) -> Any:
        kind = type(called)
        if kind is Macro:
            values = (self.eval_ctx, *values)
        elif kind not in _CALLED_AT_ONCE or hasattr(called, "jinja_pass_arg"):
            return super().call(called, *values, **named)
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return called(*values, **named)


_CALLED_AT_ONCE = {FunctionType, MethodType, BlockReference}


class PageTemplate(Template):
    """A template whose macros are made once: nobody hands a template names of its own besides the app's."""

    @classmethod
    def from_code(cls, *args: Any, **options: Any) -> Template:
        template = super().from_code(*args, **options)
        template.root_render_func.__globals__["escape"] = _written
        return template

    def _get_default_module(self, _context: object = None) -> Any:
        return super()._get_default_module()


def _written(value: Any) -> str:
    """What a template writes out, escaped. Half of it is markup already: Jinja would make it markup again."""
    return value if type(value) is Markup else escape(value)


class Pages(Environment):
    """Hands out each template in the language of whoever reads it."""

    template_class = PageTemplate
    context_class = PageContext

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self.by_reader: dict[tuple[str, str], Pages] = {}
        self.compiled: dict[str, Template] = {}

    def get_template(self, name: Any, *args: Any, **options: Any) -> Template:
        if not self.overlayed:
            return self._of_reader().get_template(name, *args, **options)
        kept = self.compiled.get(name)
        if kept is not None:
            return kept
        template = super().get_template(name, *args, **options)
        if not self.auto_reload and isinstance(name, str):
            self.compiled[name] = template
        return template

    def select_template(self, names: Any, *args: Any, **options: Any) -> Template:
        if not self.overlayed:
            return self._of_reader().select_template(names, *args, **options)
        return super().select_template(names, *args, **options)

    def make_globals(self, d: Any) -> Any:
        """Every template sees the app's own globals; a chain of two would be copied name by name."""
        return super().make_globals(d) if d else self.globals

    def _of_reader(self) -> "Pages":
        """The environment of this request's language, and of the path this installation stands below."""
        key = (reader_language(), request.script_root if has_request_context() else "")
        if key not in self.by_reader:
            reader = self.overlay()
            reader.compiled = {}
            self.by_reader[key] = reader
        return self.by_reader[key]

    def _generate(self, source: nodes.Template, *args: Any, **options: Any) -> str:
        return super()._generate(_Settling(_settled_calls()).visit(source), *args, **options)


class _Settling(NodeTransformer):
    """Puts the result in the place of a call whose arguments all stand in the template."""

    def __init__(self, settled: Mapping[str, Settled]) -> None:
        self.settled = settled

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  (the name Jinja calls)
        self.generic_visit(node)
        called = node.node
        if not isinstance(called, nodes.Name) or node.dyn_args or node.dyn_kwargs:
            return node
        if called.name == "_":
            return _translated(node)
        if called.name not in self.settled:
            return node
        try:
            values = [value.as_const() for value in node.args]
            named = {pair.key: pair.value.as_const() for pair in node.kwargs}
        except nodes.Impossible:
            return _address_of_row(node, self.settled["url_for"]) if called.name == "url_for" else node
        text = self.settled[called.name](*values, **named)
        if text is None:
            return node
        result = nodes.Const(str(text), lineno=node.lineno)
        return nodes.MarkSafeIfAutoescape(result, lineno=node.lineno) if isinstance(text, Markup) else result


def _address_of_row(call: nodes.Call, address: Settled) -> nodes.Expr:
    """An address in which only the row's id is missing: what stands before and behind it is written out."""
    if len(call.args) != 1 or len(call.kwargs) != 1 or not isinstance(call.args[0], nodes.Const):
        return call
    endpoint, (key,) = call.args[0].value, call.kwargs
    pattern = address(endpoint, **{key.key: _SOME_ID}) or ""
    before, found, after = pattern.partition(str(_SOME_ID))
    if not found or "?" in pattern:
        return call
    known = [nodes.Const(value, lineno=call.lineno) for value in (before, after, endpoint, key.key)]
    return nodes.Filter(key.value, "in_address", known, [], None, None, lineno=call.lineno)


_SOME_ID = UUID(int=0)


def in_address(row_id: object, before: str, after: str, endpoint: str, key: str) -> str:
    """The address of the row with this id."""
    if type(row_id) is UUID:
        return f"{before}{row_id}{after}"
    named: dict[str, Any] = {key: row_id}
    return url_for(endpoint, **named)  # which says what is wrong with it


def _translated(call: nodes.Call) -> nodes.Expr:
    """The sentence in this environment's language; what stands in it is still filled in by the page.

    The same as `gettext` of templates does: the sentence is markup, and what is filled in is escaped.
    """
    (sentence,) = call.args
    if not isinstance(sentence, nodes.Const):
        return call
    line = call.lineno
    text = get_translations().ugettext(sentence.value)
    filled = [nodes.Pair(nodes.Const(pair.key, lineno=line), pair.value, lineno=line) for pair in call.kwargs]
    return nodes.Mod(
        nodes.MarkSafeIfAutoescape(nodes.Const(text, lineno=line), lineno=line),
        nodes.Dict(filled, lineno=line),
        lineno=line,
    )


def _settled_calls() -> dict[str, Settled]:
    calls: dict[str, Settled] = {}
    if has_request_context():
        calls["url_for"] = _address
    if not current_app.config["RENTAL"].is_development:  # there a file may change from page to page
        calls |= {"asset": asset, "icon": icon}
    return calls


def _address(endpoint: str, **values: object) -> str | None:
    """The address within this site; not one that depends on the page itself, or that does not exist here."""
    if endpoint.startswith(".") or any(name.startswith("_") for name in values):
        return None
    try:
        return url_for(endpoint, **values)  # type: ignore[arg-type]
    except BuildError:
        return None


def icon(name: str) -> Markup:
    """A symbol of static/icons.svg, as `components/icons.html` draws it."""
    return _drawn(asset("icons.svg"), name)


@lru_cache(maxsize=1000)
def _drawn(_address: str, name: str) -> Markup:
    macros: Any = current_app.jinja_env.get_template("components/icons.html").module
    drawn: Markup = macros.icon(name)
    return drawn


_NOTHING = escape("")  # markup, which escapes what it joins unless that is markup too
# Stands where a gap is until a page fills it; nobody outside this process can know it.
_GAP = f"gap-{secrets.token_hex(16)}-"


def drawn_once(macro: Macro, *values: Hashable, **gaps: str) -> Markup:
    """What the macro draws for these values; drawn once, then kept as long as they are asked for again.

    `gaps` are what differs from page to page, such as a form's token. The macro is handed them by name like
    any argument, but may only write them out: what it sees is a mark, in whose place each page gets its own.
    """
    first, others = _pieces(macro, values, tuple(gaps))
    text: list[str] = [first]
    for name, following in others:
        text += (gaps[name], following)
    return _NOTHING.join(text)


@lru_cache(maxsize=4096)
def _pieces(
    macro: Macro, values: tuple[Hashable, ...], gaps: tuple[str, ...]
) -> tuple[Markup, list[tuple[str, Markup]]]:
    """The text up to the first gap; then each gap's name, and the text behind it.

    A macro belongs to one language, so what is kept does too.
    """
    drawn: Any = macro(*values, **{name: f"{_GAP}{name}." for name in gaps})
    first, *others = drawn.split(_GAP)
    return first, [(str(name), rest) for name, _, rest in (other.partition(".") for other in others)]


def _drawn_anew(macro: Macro, *values: Hashable, **gaps: str) -> Markup:
    """While developing: what the macro draws may be edited at any time."""
    drawn: Any = macro(*values, **gaps)
    return drawn


def init_app(app: Flask) -> None:
    """Before anything else touches the app's templates."""
    app.jinja_environment = Pages  # type: ignore[assignment]
    app.jinja_env.filters["in_address"] = in_address
    app.jinja_env.globals["icon"] = icon
    app.jinja_env.globals["drawn_once"] = _drawn_anew if app.config["RENTAL"].is_development else drawn_once
