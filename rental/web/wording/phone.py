"""Words of what phones send."""

from flask_babel import gettext as _

REFUSALS = {
    "web.field_header_missing": lambda _params: _("Send the header X-Field: 1 with every call."),
    "web.not_json": lambda _params: _(
        "Body: this is not JSON in UTF-8. Send an object with device and commands."
    ),
    "web.bad_value": lambda params: _("%(name)s: %(cure)s", **params),
}
