"""What we offer: models with their codes, skills and photos, and plans with their versions by date."""

from dataclasses import replace
from datetime import date

import pytest

from rental.catalog import equipment_models, rate_plans
from rental.catalog.equipment_models import CodeTaken, ModelFacts
from rental.catalog.models import EquipmentModel, RatePlan, RatePlanVersion, Skill
from rental.catalog.queries import (
    cheapest_fees,
    equipment_models_matching,
    model_counts_of_skills,
    offered_models,
    skills_needed,
    version_on,
    versions_on_offer,
)
from rental.catalog.rate_plans import Terms, VersionNotLater
from rental.catalog.rules import BadCode, OfferState, StartPolicy, StopPolicy, TaxClass, TrialWithoutDays
from rental.core.errors import ChangedMeanwhile, NotFound
from rental.core.images import LARGEST_IMAGE, NotAnImage
from rental.core.money import Money, yen_of
from rental.core.outbox import OutboxMessage
from rental.core.stored_files import StoredFile
from rental.inventory.queries import Stock, stock_of_models
from tests.factories.rented import make_model, make_plan, receive, stock
from tests.support.story import Story

FACTS = ModelFacts(
    name="Ice maker",
    maker="Kori",
    category="IM",
    install_minutes=90,
    repair_minutes=60,
    skill_ids=frozenset(),
)
PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\nrest", b"\xff\xd8\xffrest", b"RIFF1234WEBPrest"


def terms(fee: int, *, start: StartPolicy = StartPolicy.INSTALLATION, trial_days: int = 0) -> Terms:
    return Terms(
        monthly_fee=Money(fee),
        tax_class=TaxClass.STANDARD,
        start_policy=start,
        stop_policy=StopPolicy.RETRIEVAL,
        minimum_months=12,
        trial_days=trial_days,
    )


# Models


def test_a_code_is_kept_as_labels_print_it_and_found_however_it_is_typed(story: Story) -> None:
    with story.begin() as uow:
        model = equipment_models.add_equipment_model(
            uow, code="ｉｍ－90", facts=replace(FACTS, name="製氷機　Ⅱ", category="ｉｍ")
        )
    assert (model.code, model.name, model.category) == ("IM-90", "製氷機 Ⅱ", "IM")
    with story.reading() as session:
        for words in ("im-9", "ＩＭ", "製氷機", "kori", "II"):
            found = session.scalars(equipment_models_matching(words=words, state=None)).all()
            assert [each.code for each in found] == ["IM-90"], words
        assert session.scalars(equipment_models_matching(words="%", state=None)).all() == []


@pytest.mark.parametrize("code", ["", "CM 200", "-CM", "CM-", "C--M", "CM_200", "ＣＭ／２", "機械", "C" * 21])
def test_a_code_that_cannot_be_printed_is_refused(story: Story, code: str) -> None:
    with pytest.raises(BadCode) as refused, story.begin() as uow:
        equipment_models.add_equipment_model(uow, code=code, facts=FACTS)
    assert refused.value.field == "code"
    assert story.count(EquipmentModel) == 0


@pytest.mark.parametrize("category", ["", "C M", "コーヒー", "C" * 11])
def test_a_category_stands_in_numbers_and_is_short(story: Story, category: str) -> None:
    with story.begin() as uow:
        model = make_model(uow)
    wrong = replace(FACTS, category=category)
    with pytest.raises(BadCode) as refused, story.begin() as uow:
        equipment_models.change_equipment_model(uow, model.id, version=model.version, facts=wrong)
    assert refused.value.field == "category"
    with pytest.raises(BadCode), story.begin() as uow:
        equipment_models.add_equipment_model(uow, code="IM-90", facts=wrong)
    with story.reading() as session:
        assert [(each.code, each.category) for each in offered_models(session)] == [("CM-200", "CM")]


def test_a_code_is_given_once_whatever_its_width_and_case(story: Story) -> None:
    with story.begin() as uow:
        make_model(uow, "CM-200")
        equipment_models.add_skill(uow, code="GAS", name="Gas")
    with pytest.raises(CodeTaken), story.begin() as uow:
        equipment_models.add_equipment_model(uow, code="ｃｍ-２００", facts=FACTS)
    with pytest.raises(CodeTaken), story.begin() as uow:
        equipment_models.add_skill(uow, code="gas", name="Gas fitting")
    assert (story.count(EquipmentModel), story.count(Skill)) == (1, 1)


def test_two_people_cannot_save_a_model_over_each_other(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        skill = equipment_models.add_skill(uow, code="GAS", name="Gas")
    seen = model.version
    with story.begin() as uow:  # only the skills change, which are rows of their own
        facts = ModelFacts(
            name=model.name,
            maker=model.maker,
            category=model.category,
            install_minutes=model.install_minutes,
            repair_minutes=model.repair_minutes,
            skill_ids=frozenset({skill.id}),
        )
        changed = equipment_models.change_equipment_model(uow, model.id, version=seen, facts=facts)
    assert changed.version == seen + 1
    with story.begin() as uow:
        changed = equipment_models.change_equipment_model(uow, model.id, version=seen + 1, facts=FACTS)
    assert changed.version == seen + 2
    with pytest.raises(ChangedMeanwhile), story.begin() as uow:
        equipment_models.change_equipment_model(uow, model.id, version=seen, facts=facts)
    with story.reading() as session:
        assert session.get_one(EquipmentModel, model.id).name == "Ice maker"


def test_a_model_asks_for_the_skills_it_was_given_last(story: Story) -> None:
    with story.begin() as uow:
        gas, water, lift = (
            equipment_models.add_skill(uow, code=code, name=code.title()) for code in ("GAS", "WATER", "LIFT")
        )
        model = equipment_models.add_equipment_model(
            uow, code="IM-90", facts=replace(FACTS, skill_ids=frozenset({gas.id, water.id}))
        )
    with story.begin() as uow:
        facts = replace(FACTS, skill_ids=frozenset({water.id, lift.id}))
        equipment_models.change_equipment_model(uow, model.id, version=model.version, facts=facts)
    with story.reading() as session:
        assert [skill.code for skill in skills_needed(session, [model.id])] == ["LIFT", "WATER"]
        counts = model_counts_of_skills(session, [gas.id, water.id])
        assert counts == {gas.id: 0, water.id: 1}


def test_a_skill_nobody_knows_is_not_asked_for(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
    with pytest.raises(NotFound), story.begin() as uow:
        facts = replace(FACTS, skill_ids=frozenset({model.id}))
        equipment_models.change_equipment_model(uow, model.id, version=model.version, facts=facts)
    with story.reading() as session:
        assert session.get_one(EquipmentModel, model.id).name == "Coffee machine CM-200"


def test_what_is_withdrawn_is_not_offered_until_it_is_offered_again(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        plan_id = make_plan(uow, model).rate_plan_id
    for offered, expected in ((False, []), (True, ["CM-200"])):
        with story.begin() as uow:
            equipment_models.offer_equipment_model(uow, model.id, offered=offered)
        with story.reading() as session:
            assert [each.code for each in offered_models(session)] == expected
            versions = versions_on_offer(session, story.clock.now().date())
            assert [each.rate_plan.equipment_model.code for each in versions] == expected
    with story.begin() as uow:
        rate_plans.offer_rate_plan(uow, plan_id, offered=False)
    with story.reading() as session:
        assert versions_on_offer(session, story.clock.now().date()) == []
        assert session.get_one(RatePlan, plan_id).state is OfferState.WITHDRAWN
        assert [each.code for each in offered_models(session)] == ["CM-200"]


@pytest.mark.parametrize(
    ("content", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")]
)
def test_a_photo_is_what_its_bytes_say(story: Story, content: bytes, media_type: str) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        equipment_models.show_photo(uow, model.id, content=content, download_name="CM-200.svg")
    with story.reading() as session:
        photo = session.get_one(EquipmentModel, model.id).photo
        assert photo is not None
        assert (photo.media_type, photo.byte_count) == (media_type, len(content))
        assert story.runtime.files.get(photo.sha256) == content


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload=alert(1)>", b"GIF89a", b"RIFF1234WAVE", PNG[:7], PNG + bytes(LARGEST_IMAGE)],
    ids=["nothing", "svg", "gif", "sound", "half a head", "too large"],
)
def test_what_is_no_photo_is_refused_and_the_earlier_one_stays(story: Story, content: bytes) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        equipment_models.show_photo(uow, model.id, content=PNG, download_name="CM-200.png")
    with pytest.raises(NotAnImage), story.begin() as uow:
        equipment_models.show_photo(uow, model.id, content=content, download_name="CM-200.png")
    with story.reading() as session:
        photo = session.get_one(EquipmentModel, model.id).photo
        assert photo is not None
        assert photo.byte_count == len(PNG)
    assert story.count(StoredFile) == 1


def test_the_units_of_a_model_are_counted_free_and_in_all(story: Story) -> None:
    with story.begin() as uow:
        model, other, none = (make_model(uow, code) for code in ("CM-1", "CM-2", "CM-3"))
        stock(uow, model, 2)
        receive(uow, model)
        receive(uow, other)
    with story.reading() as session:
        counted = stock_of_models(session, [model.id, none.id])
        assert counted == {model.id: Stock(total=3, free=2), none.id: Stock()}


# Plans


def test_the_version_that_holds_is_the_latest_that_has_begun(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        plan = rate_plans.add_rate_plan(
            uow, model.id, code="std", name="Standard", valid_from=date(2026, 1, 1), terms=terms(9800)
        )
        rate_plans.add_version(uow, plan.id, valid_from=date(2026, 5, 1), terms=terms(10800))
    assert plan.code == "STD"
    expected = {
        date(2025, 12, 31): None,
        date(2026, 1, 1): yen_of(9800),
        date(2026, 4, 30): yen_of(9800),
        date(2026, 5, 1): yen_of(10800),
        date(2030, 1, 1): yen_of(10800),
    }
    with story.reading() as session:
        for day, fee in expected.items():
            version = version_on(session, plan.id, day)
            assert (version.monthly_fee if version else None) == fee, day
            offered = versions_on_offer(session, day)
            assert [each.monthly_fee for each in offered] == ([fee] if fee else []), day
            assert cheapest_fees(session, [model.id], day) == ({model.id: fee} if fee else {}), day


@pytest.mark.parametrize("valid_from", [date(2026, 5, 1), date(2026, 4, 30), date(2025, 1, 1)])
def test_what_was_offered_is_never_written_over(story: Story, valid_from: date) -> None:
    with story.begin() as uow:
        plan_id = make_plan(uow, make_model(uow)).rate_plan_id
        rate_plans.add_version(uow, plan_id, valid_from=date(2026, 5, 1), terms=terms(10800))
    messages = story.count(OutboxMessage)
    with pytest.raises(VersionNotLater) as refused, story.begin() as uow:
        rate_plans.add_version(uow, plan_id, valid_from=valid_from, terms=terms(1))
    assert refused.value.params == {"latest": date(2026, 5, 1)}
    assert (story.count(RatePlanVersion), story.count(OutboxMessage)) == (2, messages)


def test_a_new_version_is_seen_by_whoever_has_the_plan_open(story: Story) -> None:
    with story.begin() as uow:
        plan = make_plan(uow, make_model(uow)).rate_plan
        seen = plan.version
    with story.begin() as uow:
        rate_plans.add_version(uow, plan.id, valid_from=date(2026, 5, 1), terms=terms(10800))
    with story.reading() as session:
        assert session.get_one(RatePlan, plan.id).version == seen + 1


def test_a_plan_code_is_given_once_for_each_model(story: Story) -> None:
    with story.begin() as uow:
        model, other = make_model(uow, "CM-1"), make_model(uow, "CM-2")
        make_plan(uow, model)
        make_plan(uow, other)
    with pytest.raises(CodeTaken), story.begin() as uow:
        make_plan(uow, model, code="ｓｔｄ")
    assert story.count(RatePlan) == 2


def test_a_plan_whose_trial_has_no_days_is_not_added(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        plan_id = make_plan(uow, model).rate_plan_id
    for wrong in (terms(1, start=StartPolicy.AFTER_TRIAL), terms(1, trial_days=14)):
        with pytest.raises(TrialWithoutDays), story.begin() as uow:
            rate_plans.add_rate_plan(
                uow, model.id, code="TRIAL", name="Trial", valid_from=uow.today, terms=wrong
            )
        with pytest.raises(TrialWithoutDays), story.begin() as uow:
            rate_plans.add_version(uow, plan_id, valid_from=date(2026, 5, 1), terms=wrong)
    assert (story.count(RatePlan), story.count(RatePlanVersion)) == (1, 1)


def test_the_cheapest_fee_is_of_what_is_offered(story: Story) -> None:
    with story.begin() as uow:
        model = make_model(uow)
        make_plan(uow, model, code="A", fee=9800)
        make_plan(uow, model, code="B", fee=7800)
        cheapest = make_plan(uow, model, code="C", fee=5800)
        make_plan(uow, model, code="D", fee=1, valid_from=date(2027, 1, 1))
        rate_plans.offer_rate_plan(uow, cheapest.rate_plan_id, offered=False)
    day = date(2026, 4, 1)
    with story.reading() as session:
        assert cheapest_fees(session, [model.id], day) == {model.id: yen_of(7800)}
    with story.begin() as uow:
        equipment_models.offer_equipment_model(uow, model.id, offered=False)
    with story.reading() as session:
        assert cheapest_fees(session, [model.id], day) == {}
