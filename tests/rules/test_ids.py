"""Ids sort by the time they were made, whether one is made or thousands at once."""

from rental.core.ids import new_id, new_ids


def test_ids_made_one_by_one_and_together_follow_each_other() -> None:
    made = [new_id(), *new_ids(1000), new_id(), *new_ids(3), new_id()]
    assert made == sorted(set(made))
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}


def test_none_at_once_are_none() -> None:
    assert new_ids(0) == []
