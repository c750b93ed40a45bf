"""What was agreed about a line, in words: when it is billed, what is taken off, what leaving early costs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from rental.billing.rules.prices import UnitPrice
from rental.billing.rules.segments import FeeChange
from rental.billing.rules.usage import Aggregation
from rental.catalog.rules import AnchorKind, TaxClass, Timing
from rental.contracts.agreeing import Terms
from rental.contracts.line_agreements import Agreement, Discount, Rent
from rental.contracts.models import LineAnchor
from rental.core.money import Money
from rental.web.formats import day, yen
from rental.web.sentences import state_label

Fact = tuple[str, str]


def agreed_words(
    agreement: Agreement,
    *,
    closing_day: int,
    minimum_months: int,
    changes: Sequence[FeeChange] = (),
) -> list[Fact]:
    """Everything agreed, each with its name; what was not is left out. `changes` are those of the fee."""
    terms = agreement.terms
    return [
        (_("Fee of one machine"), _fees(agreement.rent.monthly_fee, changes)),
        (_("Billed"), billed_words(terms)),
        (_("Periods begin"), _cuts(terms, agreement.anchors, closing_day)),
        *_parts(terms),
        *_rent(agreement.rent, terms),
        *((_("Discount %(name)s", name=each.name), discount_words(each)) for each in agreement.discounts),
        *([(_("Usage"), usage_words(terms.usage))] if terms.usage else []),
        (_("Minimum term"), _months(minimum_months) if minimum_months else _("None")),
        (_("Leaving before it is over"), leaving_words(terms.leaving)),
        (_("Tax"), _tax(agreement.rent.tax_class, terms)),
        *(
            (_("Once: %(cost)s", cost=state_label(price.cost)), price_text(price.unit_price_millionths))
            for price in agreement.costs
        ),
    ]


def in_short(agreement: Agreement) -> str:
    """The terms in one line, for what is folded away."""
    terms = agreement.terms
    said = [billed_words(terms)]
    if agreement.discounts:
        count = len(agreement.discounts)
        said.append(ngettext("%(num)s discount", "%(num)s discounts", count))
    if terms.usage:
        said.append(_("usage"))
    if terms.leaving:
        said.append(_("fee for leaving early"))
    return " · ".join(said)


def billed_words(terms: Terms) -> str:
    """How often, and when: every 3 months, 10 days before the period."""
    if terms.period_days:
        often = ngettext("every %(num)s day", "every %(num)s days", terms.period_days)
    else:
        often = _("every month") if terms.months == 1 else _("every %(num)s months", num=terms.months)
    if terms.timing is Timing.ARREARS:
        return _("%(often)s, after the period", often=often)
    if not terms.lead_days:
        return _("%(often)s, on the first day of the period", often=often)
    return ngettext(
        "%(often)s, %(num)s day before the period",
        "%(often)s, %(num)s days before the period",
        terms.lead_days,
        often=often,
    )


def discount_words(discount: Discount) -> str:
    """How much, and for how long."""
    much = f"{percent(discount.basis_points)} %" if discount.basis_points else yen(discount.amount)
    said = [much if discount.basis_points else _("%(amount)s a period", amount=much)]
    if discount.periods:
        said.append(
            ngettext("for the first %(num)s period", "for the first %(num)s periods", discount.periods)
        )
    if discount.starts_on:
        said.append(_("from %(day)s", day=day(discount.starts_on)))
    if discount.ends_on:
        said.append(_("until %(day)s", day=day(discount.ends_on - timedelta(days=1))))
    return " · ".join(said)


def usage_words(usage: Mapping[str, Any]) -> str:
    """What is counted, how it is priced, and between which bounds."""
    said = [_aggregation(usage), *_priced(usage)]
    if included := usage.get("included"):
        said.append(_("%(count)s included", count=f"{included:,}"))
    if usage.get("minimum") is not None:
        said.append(_("at least %(amount)s a period", amount=yen(usage["minimum"])))
    if usage.get("maximum") is not None:
        said.append(_("at most %(amount)s a period", amount=yen(usage["maximum"])))
    return " · ".join(said)


def leaving_words(leaving: Mapping[str, Any] | None) -> str:
    """What is asked for, how it is taxed, and between which bounds."""
    if not leaving or not leaving.get("model"):
        return _("Costs nothing")
    said = [_leaving_model(leaving), state_label(TaxClass(leaving.get("tax_class", TaxClass.OUT_OF_SCOPE)))]
    if leaving.get("at_least") is not None:
        said.append(_("at least %(amount)s", amount=yen(leaving["at_least"])))
    if leaving.get("at_most") is not None:
        said.append(_("at most %(amount)s", amount=yen(leaving["at_most"])))
    return " · ".join(said)


def percent(basis_points: int) -> str:
    """Hundredths of a per cent as they are written: 12.5."""
    return f"{basis_points / 100:g}"


def price_text(millionths: int) -> str:
    """A price of one piece: ¥0.55, ¥1,200."""
    whole, _point, part = UnitPrice(millionths).text.partition(".")
    return f"¥{int(whole):,}" + (f".{part}" if part else "")


def _fees(at_first: Money, changes: Sequence[FeeChange]) -> str:
    said = [_("%(amount)s a month", amount=yen(at_first))]
    for change in changes:
        amount, since = yen(change.monthly_fee), day(change.effective_on)
        if change.slot_id is None:
            said.append(_("%(amount)s from %(day)s", amount=amount, day=since))
        else:
            said.append(_("%(amount)s from %(day)s for one machine", amount=amount, day=since))
    return " · ".join(said)


def _cuts(terms: Terms, anchors: Sequence[LineAnchor], closing_day: int) -> str:
    said = [_cut(terms.anchor, terms.anchored_on, closing_day, terms.period_days)]
    said += [
        _(
            "from %(day)s: %(cut)s",
            day=day(each.since),
            cut=_cut(each.kind, each.anchored_on, closing_day, terms.period_days),
        )
        for each in anchors
    ]
    return " · ".join(said)


def _cut(kind: AnchorKind, counted_from: date | None, closing_day: int, period_days: int | None) -> str:
    if period_days:
        if counted_from:
            return _("counted from %(day)s", day=day(counted_from))
        return _("counted from the first day of rent")
    if kind is AnchorKind.CLOSING:
        return _("after the closing day, which is day %(day)s (31: the last of the month)", day=closing_day)
    if kind is AnchorKind.FIXED_DAY and counted_from:
        return _("on day %(day)s of the month", day=counted_from.day)
    words = state_label(kind)
    return _("%(cut)s, counted from %(day)s", cut=words, day=day(counted_from)) if counted_from else words


def _parts(terms: Terms) -> Iterator[Fact]:
    yield _("Part of a period"), state_label(terms.proration)
    if terms.stop_proration:
        yield _("Part of a period at the end"), state_label(terms.stop_proration)
    if terms.change_proration:
        yield _("Part of a period at a change"), state_label(terms.change_proration)
    yield _("Days before the first whole period"), state_label(terms.stub)


def _rent(rent: Rent, terms: Terms) -> Iterator[Fact]:
    start = state_label(rent.start_policy)
    if rent.trial_days:
        start = ngettext("After a trial of %(num)s day", "After a trial of %(num)s days", rent.trial_days)
    yield _("Rent starts"), start
    stop = state_label(rent.stop_policy)
    counts = "" if terms.retrieval_day_counts else _("the day of retrieval is free")
    yield _("Rent stops"), f"{stop} · {counts}" if counts else stop
    if terms.overrun_fee is not None:
        yield _("Kept after the agreed end"), _("%(amount)s a month", amount=yen(terms.overrun_fee))


def _tax(tax_class: TaxClass, terms: Terms) -> str:
    said = [state_label(tax_class)]
    if terms.rate_bp is not None:
        said.append(_("agreed at %(percent)s %%", percent=percent(terms.rate_bp)))
    if terms.cuts_at_rate_changes:
        said.append(_("periods are cut where the rate changes"))
    return " · ".join(said)


def _aggregation(usage: Mapping[str, Any]) -> str:
    return state_label(Aggregation(usage.get("aggregation", Aggregation.SUM)))


def _priced(usage: Mapping[str, Any]) -> Iterator[str]:
    match usage["model"]:
        case "flat":
            yield _("%(amount)s a period, whatever is used", amount=yen(usage["price"]))
        case "per_unit":
            yield _("%(price)s each", price=_price(usage["unit_price"]))
        case "package":
            yield _(
                "%(price)s for every package of %(size)s",
                price=_price(usage["price"]),
                size=f"{usage['size']:,}",
            )
            if usage.get("free"):
                yield _("%(count)s free before the first package", count=f"{usage['free']:,}")
        case "volume":
            yield _("all at the price of the step that is reached: %(steps)s", steps=_tiers(usage["tiers"]))
        case "graduated":
            yield _("each at the price of its own step: %(steps)s", steps=_tiers(usage["tiers"]))


def _tiers(tiers: Sequence[Mapping[str, Any]]) -> str:
    said = []
    for tier in tiers:
        price = _price(tier["unit_price"])
        if tier.get("flat"):
            price = _("%(price)s and %(flat)s once", price=price, flat=yen(tier["flat"]))
        if tier.get("up_to") is None:
            said.append(_("more: %(price)s", price=price))
        else:
            said.append(_("up to %(count)s: %(price)s", count=f"{tier['up_to']:,}", price=price))
    return "; ".join(said)


def _price(said: str | int) -> str:
    return price_text(UnitPrice.of(said).millionths)


def _leaving_model(leaving: Mapping[str, Any]) -> str:
    match leaving["model"]:
        case "percent":
            return _(
                "%(percent)s %% of the rent of the months that are left",
                percent=percent(leaving["basis_points"]),
            )
        case "fixed":
            return _("%(amount)s as long as a month is left", amount=yen(leaving["amount"]))
        case "table":
            rows = (
                ngettext(
                    "up to %(num)s month over: %(amount)s",
                    "up to %(num)s months over: %(amount)s",
                    months,
                    amount=yen(amount),
                )
                for months, amount in leaving["rows"]
            )
            return "; ".join(rows)
        case _residual:
            return ngettext(
                "what is left of %(price)s, spread over %(num)s month",
                "what is left of %(price)s, spread over %(num)s months",
                leaving["life_months"],
                price=yen(leaving["price"]),
            )


def _months(count: int) -> str:
    return ngettext("%(num)s month", "%(num)s months", count)
