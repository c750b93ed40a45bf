"""A page as a tree, and what must be true of every page."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "rect",
        "path",
        "use",
        "circle",
    ]
)


@dataclass(eq=False)
class Element:
    """One element; `text` is what a reader sees inside."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: list["Element | str"] = field(default_factory=list)
    # All elements of the page in order; this one and everything inside it are a stretch of them.
    page: list["Element"] = field(default_factory=list, repr=False)
    first: int = 0
    after: int | None = None

    def __iter__(self) -> Iterator["Element"]:
        """This element and everything inside, in order."""
        return iter(self.page[self.first : self.after])

    @property
    def text(self) -> str:
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def all(self, *tags: str) -> list["Element"]:
        return [element for element in self if element.tag in tags]

    def with_class(self, name: str) -> list["Element"]:
        return [e for e in self if name in e.attributes.get("class", "").split()]

    def ancestors(self) -> Iterator["Element"]:
        above = self.parent
        while above is not None:
            yield above
            above = above.parent


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {})
        self.page = self.root.page
        self.page.append(self.root)
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.wrong.append(f"<{tag}> has an attribute twice: {names}")
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, self.here, page=self.page, first=len(self.page))
        self.here.children.append(element)
        self.page.append(element)
        if tag in _VOID:
            element.after = len(self.page)
        else:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if tag == self.here.tag and self.here.parent is not None:
            self.here.after = len(self.page)
            self.here = self.here.parent
        else:
            self.wrong.append(f"</{tag}> closes <{self.here.tag}>")

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


def read_page(text: str) -> Element:
    """The tree of a page. Markup that does not nest is an error of the page."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    if builder.wrong:
        raise AssertionError("; ".join(builder.wrong[:5]))
    return builder.root


def script_in(page: Element) -> list[str]:
    """Whatever could run or style from inside the page: there must be nothing."""
    found = [
        f"<{element.tag} {name}={value!r}>"
        for element in page
        for name, value in element.attributes.items()
        if name.startswith(("on", "hx-on")) or name == "style" or "javascript:" in value.lower()
    ]
    found += [
        f"inline <{element.tag}>"
        for element in page.all("script", "style", "iframe", "object", "embed")
        if element.text or "src" not in element.attributes
    ]
    found += [
        f"<script src={element.attributes['src']!r}>"
        for element in page.all("script")
        if not element.attributes.get("src", "").startswith("/static/")
    ]
    return found


def faults_of(page: Element) -> list[str]:
    """What is wrong with a page, whatever it is about."""
    faults = script_in(page)
    if [element.attributes.get("lang") for element in page.all("html")] not in (["ja"], ["en"]):
        faults.append("no language of its own")
    if len(page.all("h1")) != 1 or not page.all("h1")[0].text:
        faults.append(f"{len(page.all('h1'))} main headings, or an empty one")
    if not page.all("title") or not page.all("title")[0].text:
        faults.append("no title")
    ids = [element.attributes["id"] for element in page if "id" in element.attributes]
    faults += [f"id {name!r} more than once" for name, count in sorted(Counter(ids).items()) if count > 1]
    faults += [f"no label: {_shown(control)}" for control in controls_of(page) if not label_of(page, control)]
    faults += [
        f"a form without token: {form.attributes.get('action', '')}"
        for form in page.all("form")
        if form.attributes.get("method") == "post"
        and "csrf_token" not in {e.attributes.get("name") for e in form.all("input")}
    ]
    return faults


def controls_of(page: Element) -> list[Element]:
    """Everything a person can fill in or press."""
    return [
        element
        for element in page.all("input", "select", "textarea", "button")
        if element.attributes.get("type") != "hidden" and element.attributes.get("aria-hidden") != "true"
    ]


def label_of(page: Element, control: Element) -> str:
    """What the control is called, by a label, an aria attribute or its own text."""
    if said := control.attributes.get("aria-label"):
        return said
    if control.tag == "button":
        return control.text
    for above in control.ancestors():
        if above.tag == "label":
            return above.text
    name = control.attributes.get("id")
    return next((e.text for e in page.all("label") if name and e.attributes.get("for") == name), "")


def group_of(control: Element) -> str:
    """The legend of the group a box to tick belongs to, or nothing."""
    for above in control.ancestors():
        if above.tag == "fieldset":
            return above.all("legend")[0].text
    return ""


def _shown(element: Element) -> str:
    return f"<{element.tag} {element.attributes}>"
