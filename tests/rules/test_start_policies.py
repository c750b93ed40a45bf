"""From which day a slot owes rent, for every policy."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental.catalog.rules import StartPolicy, TrialWithoutDays, first_billable_day, require_trial

days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
trials = st.integers(min_value=1, max_value=365)
START = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("policy", "installed_on", "expected"),
    [
        (StartPolicy.CONTRACT_START, "2026-04-16", "2026-04-01"),
        (StartPolicy.CONTRACT_START, "2026-03-20", "2026-04-01"),
        (StartPolicy.INSTALLATION, "2026-04-16", "2026-04-16"),
        (StartPolicy.INSTALLATION, "2026-03-20", "2026-04-01"),
        (StartPolicy.NEXT_MONTH, "2026-04-01", "2026-05-01"),
        (StartPolicy.NEXT_MONTH, "2026-04-30", "2026-05-01"),
        (StartPolicy.NEXT_MONTH, "2026-12-31", "2027-01-01"),
        (StartPolicy.NEXT_MONTH, "2027-01-31", "2027-02-01"),
        (StartPolicy.NEXT_MONTH, "2028-02-29", "2028-03-01"),
        (StartPolicy.NEXT_MONTH, "2026-02-28", "2026-04-01"),
        (StartPolicy.AFTER_TRIAL, "2026-04-16", "2026-04-30"),
        (StartPolicy.AFTER_TRIAL, "2026-12-25", "2027-01-08"),
        (StartPolicy.AFTER_TRIAL, "2026-03-01", "2026-04-01"),
    ],
)
def test_the_first_day_of_rent(policy: StartPolicy, installed_on: str, expected: str) -> None:
    first = first_billable_day(
        policy,
        installed_on=date.fromisoformat(installed_on),
        contract_starts_on=START,
        trial_days=14 if policy is StartPolicy.AFTER_TRIAL else 0,
    )
    assert first == date.fromisoformat(expected)


@given(policy=st.sampled_from(StartPolicy), installed_on=days, starts_on=days, trial=trials)
def test_nobody_pays_for_a_day_before_the_contract(
    policy: StartPolicy, installed_on: date, starts_on: date, trial: int
) -> None:
    first = first_billable_day(
        policy, installed_on=installed_on, contract_starts_on=starts_on, trial_days=trial
    )
    assert first >= starts_on


@given(
    policy=st.sampled_from([p for p in StartPolicy if p is not StartPolicy.CONTRACT_START]),
    installed_on=days,
    trial=trials,
)
def test_nobody_pays_for_a_day_before_the_installation(
    policy: StartPolicy, installed_on: date, trial: int
) -> None:
    first = first_billable_day(
        policy, installed_on=installed_on, contract_starts_on=installed_on, trial_days=trial
    )
    assert first >= installed_on


@given(policy=st.sampled_from(StartPolicy), one=days, another=days, starts_on=days, trial=trials)
def test_a_later_installation_never_means_earlier_rent(
    policy: StartPolicy, one: date, another: date, starts_on: date, trial: int
) -> None:
    firsts = [
        first_billable_day(policy, installed_on=day, contract_starts_on=starts_on, trial_days=trial)
        for day in sorted((one, another))
    ]
    assert firsts == sorted(firsts)


@given(installed_on=days)
def test_next_month_is_the_very_next_first_of_a_month(installed_on: date) -> None:
    first = first_billable_day(
        StartPolicy.NEXT_MONTH, installed_on=installed_on, contract_starts_on=installed_on
    )
    between = [installed_on + timedelta(days=n) for n in range(1, (first - installed_on).days)]
    assert first.day == 1
    assert first > installed_on
    assert all(day.day != 1 for day in between)


@given(installed_on=days, trial=trials)
def test_a_trial_gives_exactly_its_days(installed_on: date, trial: int) -> None:
    first = first_billable_day(
        StartPolicy.AFTER_TRIAL,
        installed_on=installed_on,
        contract_starts_on=installed_on,
        trial_days=trial,
    )
    assert (first - installed_on).days == trial


@pytest.mark.parametrize("policy", StartPolicy)
def test_a_trial_has_days_and_nothing_else_has(policy: StartPolicy) -> None:
    right, wrong = (14, 0) if policy is StartPolicy.AFTER_TRIAL else (0, 14)
    require_trial(policy, right)
    with pytest.raises(TrialWithoutDays):
        require_trial(policy, wrong)
