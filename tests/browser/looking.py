"""What a careful eye would find on a page: sideways scrolling, small targets, marks that nobody can use."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

# Inline links are left out, as WCAG 2.5.8 does: the line height of the sentence around them decides.
# A small box is fine when its finger-sized surroundings hit it as well: a card's link covers its card.
SMALL_TARGETS = """(smallest) => {
  const interactive = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const isShown = (mark) => mark.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && !mark.closest(".vh, .skip-link") && mark.getClientRects().length > 0;
  const isInText = (mark) => mark.matches("a") && getComputedStyle(mark).display === "inline"
    && mark.parentElement.textContent.trim() !== mark.textContent.trim();
  const isHit = (mark, x, y) => {
    const found = document.elementFromPoint(x, y);
    return [mark, ...(mark.labels ?? [])].some((own) => own.contains(found));
  };
  const isLargeToTheFinger = (mark) => {
    mark.scrollIntoView({ block: "center", inline: "center" });
    const { left, top, width, height } = mark.getBoundingClientRect();
    const across = width >= smallest ? 0 : smallest / 2 - 1, down = height >= smallest ? 0 : smallest / 2 - 1;
    const x = left + width / 2, y = top + height / 2;
    const edges = [[x - across, y], [x + across, y], [x, y - down], [x, y + down]];
    return edges.every(([atX, atY]) => isHit(mark, atX, atY));
  };
  const small = [...document.querySelectorAll(interactive)].filter((mark) => {
    const { width, height } = mark.getBoundingClientRect();
    return isShown(mark) && !isInText(mark) && (width < smallest - 0.5 || height < smallest - 0.5);
  });
  const rest = small.filter((mark) => !isLargeToTheFinger(mark)).map((mark) => {
    const { width, height } = mark.getBoundingClientRect();
    const name = mark.getAttribute("aria-label") ?? (mark.textContent.trim() || mark.name || mark.id);
    return `${mark.localName} "${name.slice(0, 40)}" is ${Math.round(width)} × ${Math.round(height)} px`;
  });
  scrollTo(0, 0);
  return rest;
}"""

WIDER_THAN_THE_WINDOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const isInsideScroller = (mark) => {
    for (let around = mark.parentElement; around !== document.body && around; around = around.parentElement)
      if (getComputedStyle(around).overflowX !== "visible") return true;
    return false;
  };
  return [`the page is ${document.documentElement.scrollWidth} px wide`,
    ...[...document.body.querySelectorAll("*")]
      .filter((mark) => mark.checkVisibility() && !isInsideScroller(mark))
      .filter((mark) => mark.getBoundingClientRect().right > width + 0.5)
      .slice(0, 5).map((mark) => `${mark.localName}.${mark.className} sticks out`)];
}"""

# WCAG 2.2 adds only the size of targets, where axe takes what a sticky bar covers for small.
SERIOUS_FINDINGS = """async () => {
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
  const answer = await axe.run(document, { resultTypes: ["violations"], runOnly });
  return answer.violations.filter((rule) => ["serious", "critical"].includes(rule.impact)).flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} (${node.any[0]?.message ?? rule.help})`));
}"""


def sideways(page: Page) -> list[str]:
    """What makes the page wider than its window."""
    return _listed(page.evaluate(WIDER_THAN_THE_WINDOW))


def small_targets(page: Page, smallest: int = 44) -> list[str]:
    """What a finger would miss: controls that are narrower or lower than this many pixels."""
    return _listed(page.evaluate(SMALL_TARGETS, smallest))


def serious_findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical."""
    page.evaluate(_axe())
    return _listed(page.evaluate(SERIOUS_FINDINGS))


@cache
def _axe() -> str:
    assert AXE.is_file(), "axe-core is missing: run ./scripts/test once, or npm ci"
    return f"() => {{ {AXE.read_text(encoding='utf-8')} }}"


def _listed(found: Any) -> list[str]:
    return [str(item) for item in found]
