"""The sentence for every refusal: what was wrong, and the cure, in the reader's language."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from rental.core.errors import DomainError
from rental.web.wording import all_words

_SENTENCES = all_words("REFUSALS")


def refusal(error: DomainError) -> str:
    """The sentence for a refusal: what was wrong, and the cure."""
    return _sentence(error.code, error.params)


def kept_refusal(code: str, params: dict[str, str]) -> str:
    """The sentence for a refusal that was kept: its parameters are texts now, so it may say less."""
    try:
        return _sentence(code, params)
    except (KeyError, TypeError, ValueError):
        return _("This was refused (%(code)s).", code=code)


def _sentence(code: str, params: dict[str, Any]) -> str:
    sentences = {
        "core.changed_meanwhile": lambda: _(
            "Somebody else saved this in the meantime. Look at the present state, then change it again."
        ),
        "core.illegal_step": lambda: _(
            "This is not possible any more: the state has changed in the meantime."
        ),
        "core.unreadable_cursor": lambda: _(
            "The place to continue from is not valid. Start at the first page."
        ),
        "core.key_used_for_another_request": lambda: _(
            "This form was already sent with different content. Open it again and repeat the change."
        ),
        "core.not_found": lambda: _("There is nothing at this address, or it is not for you to see."),
        "core.not_an_image": lambda: _(
            "Choose a picture: JPEG, PNG or WebP, at most %(megabytes)s MB.", **params
        ),
        "identity.account_disabled": lambda: _("This account is disabled. Enable it first."),
        "identity.set_up_link_spent": lambda: _(
            "This link was used already, or its time is over. Ask the administrator for a new one."
        ),
        "identity.email_taken": lambda: _("Somebody already has an account with this e-mail."),
        "identity.not_an_email": lambda: _("Write an e-mail address such as name@example.jp."),
        "identity.no_role": lambda: _("Choose at least one role."),
        "identity.roles_do_not_mix": lambda: _("A customer cannot have another role: take one or the other."),
        "identity.last_administrator": lambda: _(
            "This is the last active administrator. Make somebody else an administrator first."
        ),
        "identity.sign_in_refused": lambda: _("E-mail or password is not right. Check both and try again."),
        "identity.sign_in_throttled": lambda: ngettext(
            "Too many tries. Wait %(num)s second, then try again.",
            "Too many tries. Wait %(num)s seconds, then try again.",
            params.get("retry_after", 1),
        ),
        "identity.wrong_password": lambda: _("This is not your present password."),
        "identity.password_too_short": lambda: _(
            "Too short: at least %(minimum)s characters. A few words in a row are easy to remember.", **params
        ),
        "identity.password_too_long": lambda: _("Too long: at most %(maximum)s characters.", **params),
        "identity.password_common": lambda: _(
            "Too easy to guess: it is on the list of common passwords. Take a few unrelated words."
        ),
        "identity.password_own_name": lambda: _(
            "Too easy to guess: it is made of your name or e-mail. Take a few unrelated words."
        ),
    }
    if code in _SENTENCES:
        return str(_SENTENCES[code](params))
    known = sentences.get(code)
    return known() if known else _("This was refused (%(code)s).", code=code)
