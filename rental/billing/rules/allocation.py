"""How a sum is shared out in whole yen, so that nothing is lost and nothing is made."""

from collections.abc import Sequence

from rental.billing.rules.refusals import NotBillable, Reason
from rental.core.money import Money


def by_largest_remainder(total: Money, weights: Sequence[int]) -> list[Money]:
    """The total shared in proportion to the weights: whole yen first, then one yen each by the largest rest.

    Of equal rests the first gets it. A negative total is shared like its size. Raises NotBillable for
    negative weights, or when there is something to share and nothing to share it by.

    >>> [share.minor_units for share in by_largest_remainder(Money(-1000), [3333, 3333, 3334])]
    [-333, -333, -334]
    """
    if any(weight < 0 for weight in weights):
        raise NotBillable("weights", Reason.NEGATIVE)
    all_weights = sum(weights)
    if not all_weights:
        if total:
            raise NotBillable("weights", Reason.MISSING)
        return [Money(0)] * len(weights)
    size = abs(total.minor_units)
    shares = [size * weight // all_weights for weight in weights]
    rests = sorted(range(len(weights)), key=lambda place: (-(size * weights[place] % all_weights), place))
    for place in rests[: size - sum(shares)]:
        shares[place] += 1
    sign = 1 if total.minor_units >= 0 else -1
    return [Money(sign * share) for share in shares]
