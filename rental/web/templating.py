"""Templates, compiled once for each language: what stays the same while the process runs is written out then.

Half the time of a page went into sentences, icons and addresses that are the same for everybody who reads
this language. They are looked up while a template is compiled, and become part of the text around them.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, has_request_context, request, url_for
from flask.templating import Environment
from flask_babel import get_locale, get_translations
from jinja2 import Template, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup
from werkzeug.routing import BuildError

from rental.web.assets import asset

# What a call of this name in a template comes to; None where only the page itself can tell.
Settled = Callable[..., str | None]


class PageTemplate(Template):
    """A template whose macros are made once: nobody hands a template names of its own besides the app's."""

    def _get_default_module(self, _context: object = None) -> Any:
        return super()._get_default_module()


class Pages(Environment):
    """Hands out each template in the language of whoever reads it."""

    template_class = PageTemplate

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
        key = (str(get_locale()), request.script_root if has_request_context() else "")
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
            return node
        text = self.settled[called.name](*values, **named)
        if text is None:
            return node
        result = nodes.Const(str(text), lineno=node.lineno)
        return nodes.MarkSafeIfAutoescape(result, lineno=node.lineno) if isinstance(text, Markup) else result


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


def init_app(app: Flask) -> None:
    """Before anything else touches the app's templates."""
    app.jinja_environment = Pages  # type: ignore[assignment]
    app.jinja_env.globals["icon"] = icon
