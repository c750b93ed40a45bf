"""Who may use which route, written by hand from what each role is for; the application must agree."""

from rental.identity.permissions import Role

VISITOR = "visitor"
Who = frozenset[Role | str]

EVERYBODY: Who = frozenset({*Role, VISITOR})
SIGNED_IN: Who = frozenset(Role)
OFFICE: Who = frozenset(
    {Role.ADMINISTRATOR, Role.SALES, Role.WAREHOUSE, Role.DISPATCHER, Role.BILLING},
)
ADMINISTRATOR: Who = frozenset({Role.ADMINISTRATOR})
# Money leaves by what billing decides, so billing may ask whether the database is sound.
ADMINISTRATOR_AND_BILLING: Who = frozenset({Role.ADMINISTRATOR, Role.BILLING})
# These two work standing, with the phone.
PHONE: Who = frozenset({Role.TECHNICIAN, Role.WAREHOUSE})
CUSTOMER: Who = frozenset({Role.CUSTOMER})

ROLE_ROUTES: dict[tuple[str, str], Who] = {
    # The way in, and what has no secrets.
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("GET", "/static/<path:filename>"): EVERYBODY,
    ("GET", "/styleguide"): EVERYBODY,
    ("POST", "/styleguide"): EVERYBODY,
    ("GET", "/sign-in"): EVERYBODY,
    ("POST", "/sign-in"): EVERYBODY,
    ("POST", "/sign-out"): EVERYBODY,
    ("GET", "/set-up/<token>"): EVERYBODY,
    ("POST", "/set-up/<token>"): EVERYBODY,
    ("POST", "/preferences"): EVERYBODY,
    # One's own.
    ("GET", "/"): SIGNED_IN,
    ("GET", "/account"): SIGNED_IN,
    ("POST", "/account/password"): SIGNED_IN,
    ("POST", "/account/sessions/<uuid:session_id>/end"): SIGNED_IN,
    ("POST", "/account/sessions/end-others"): SIGNED_IN,
    ("GET", "/notices"): SIGNED_IN,
    ("POST", "/notices/read"): SIGNED_IN,
    # The phone and the customer's pages.
    ("GET", "/m/"): PHONE,
    ("GET", "/portal/"): CUSTOMER,
    # Letting people in is the administrator's alone.
    ("GET", "/people"): ADMINISTRATOR,
    ("GET", "/people/new"): ADMINISTRATOR,
    ("POST", "/people/new"): ADMINISTRATOR,
    ("GET", "/people/<uuid:account_id>"): ADMINISTRATOR,
    ("POST", "/people/<uuid:account_id>"): ADMINISTRATOR,
    ("POST", "/people/<uuid:account_id>/set-up-link"): ADMINISTRATOR,
    ("POST", "/people/<uuid:account_id>/disable"): ADMINISTRATOR,
    ("POST", "/people/<uuid:account_id>/enable"): ADMINISTRATOR,
    ("POST", "/people/<uuid:account_id>/sessions/<uuid:session_id>/end"): ADMINISTRATOR,
    # The machinery.
    ("GET", "/jobs"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/jobs/<uuid:delivery_id>"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/jobs/<uuid:delivery_id>/run-again"): ADMINISTRATOR,
    ("GET", "/checks"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/checks"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/checks/<uuid:check_run_id>"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/checks/<uuid:check_run_id>/report.json"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/audit"): ADMINISTRATOR,
    ("GET", "/audit/<uuid:entry_id>"): ADMINISTRATOR,
}

# Where everybody lands who opens "/": their own face.
START_PAGES: dict[Role, str | None] = dict.fromkeys(Role) | {
    Role.TECHNICIAN: "/m/",
    Role.CUSTOMER: "/portal/",
}
