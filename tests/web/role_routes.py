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
# Who makes contracts and who writes invoices look after the customers; everybody in the office looks them up.
CUSTOMER_CARE: Who = frozenset({Role.ADMINISTRATOR, Role.SALES, Role.BILLING})
# Who sells says what can be rented and for how much.
CATALOG_CARE: Who = frozenset({Role.ADMINISTRATOR, Role.SALES})
CONTRACT_CARE: Who = frozenset({Role.ADMINISTRATOR, Role.SALES})
# Whom technicians listen to.
DISPATCH: Who = frozenset({Role.ADMINISTRATOR, Role.DISPATCHER})
# Only who is in the warehouse can say where a unit is.
STOREKEEPING: Who = frozenset({Role.ADMINISTRATOR, Role.WAREHOUSE})
# These two work standing, with the phone.
PHONE: Who = frozenset({Role.TECHNICIAN, Role.WAREHOUSE})
# Nobody else tells what was done at a customer's.
ON_SITE: Who = frozenset({Role.TECHNICIAN})
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
    ("GET", "/m/scan"): PHONE,
    ("GET", "/m/unit/<uuid:unit_id>"): PHONE,
    ("GET", "/m/put-away/<uuid:location_id>"): STOREKEEPING,
    ("POST", "/m/put-away/<uuid:location_id>"): STOREKEEPING,
    ("GET", "/m/receive"): STOREKEEPING,
    ("POST", "/m/receive"): STOREKEEPING,
    ("GET", "/m/receive/<uuid:receipt_id>"): STOREKEEPING,
    ("GET", "/m/work-orders/<uuid:work_order_id>"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/depart"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/arrive"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/scan"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/undo-scan"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/note"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/photos"): ON_SITE,
    ("GET", "/m/work-orders/<uuid:work_order_id>/photos/<uuid:photo_id>"): ON_SITE,
    ("GET", "/m/work-orders/<uuid:work_order_id>/complete"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/complete"): ON_SITE,
    ("GET", "/m/work-orders/<uuid:work_order_id>/block"): ON_SITE,
    ("POST", "/m/work-orders/<uuid:work_order_id>/block"): ON_SITE,
    ("POST", "/api/m/commands"): ON_SITE,
    ("PUT", "/api/m/uploads/<sha256>"): ON_SITE,
    # What is printed on labels: everybody may scan one, and each sees what is theirs.
    ("GET", "/q/<code>"): EVERYBODY,
    ("GET", "/Q/<code>"): EVERYBODY,
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
    # Customers and their sites.
    ("GET", "/customers"): OFFICE,
    ("GET", "/customers/new"): CUSTOMER_CARE,
    ("POST", "/customers/new"): CUSTOMER_CARE,
    ("GET", "/customers/<uuid:customer_id>"): OFFICE,
    ("GET", "/customers/<uuid:customer_id>/change"): CUSTOMER_CARE,
    ("POST", "/customers/<uuid:customer_id>/change"): CUSTOMER_CARE,
    ("GET", "/customers/<uuid:customer_id>/contacts/new"): CUSTOMER_CARE,
    ("POST", "/customers/<uuid:customer_id>/contacts/new"): CUSTOMER_CARE,
    ("GET", "/customers/<uuid:customer_id>/contacts/<uuid:contact_id>"): CUSTOMER_CARE,
    ("POST", "/customers/<uuid:customer_id>/contacts/<uuid:contact_id>"): CUSTOMER_CARE,
    ("POST", "/customers/<uuid:customer_id>/contacts/<uuid:contact_id>/remove"): CUSTOMER_CARE,
    ("GET", "/customers/<uuid:customer_id>/billing-accounts/new"): CUSTOMER_CARE,
    ("POST", "/customers/<uuid:customer_id>/billing-accounts/new"): CUSTOMER_CARE,
    ("GET", "/billing-accounts/<uuid:billing_account_id>"): OFFICE,
    ("POST", "/billing-accounts/<uuid:billing_account_id>"): CUSTOMER_CARE,
    ("GET", "/sites"): OFFICE,
    ("GET", "/customers/<uuid:customer_id>/sites/new"): CUSTOMER_CARE,
    ("POST", "/customers/<uuid:customer_id>/sites/new"): CUSTOMER_CARE,
    ("GET", "/sites/<uuid:site_id>"): OFFICE,
    ("GET", "/sites/<uuid:site_id>/change"): CUSTOMER_CARE,
    ("POST", "/sites/<uuid:site_id>/change"): CUSTOMER_CARE,
    ("POST", "/sites/<uuid:site_id>/hours"): CUSTOMER_CARE,
    ("POST", "/sites/<uuid:site_id>/position"): CUSTOMER_CARE,
    ("POST", "/sites/<uuid:site_id>/look-up"): CUSTOMER_CARE,
    ("POST", "/sites/<uuid:site_id>/close"): CUSTOMER_CARE,
    ("POST", "/sites/<uuid:site_id>/reopen"): CUSTOMER_CARE,
    # Contracts are made by who sells; what follows from them is planned by who sends people out.
    ("GET", "/contracts"): OFFICE,
    ("GET", "/contracts/contracts.csv"): OFFICE,
    ("GET", "/contracts/new"): CONTRACT_CARE,
    ("POST", "/contracts/new"): CONTRACT_CARE,
    ("GET", "/contracts/<uuid:contract_id>"): OFFICE,
    ("POST", "/contracts/<uuid:contract_id>"): CONTRACT_CARE,
    ("POST", "/contracts/<uuid:contract_id>/lines"): CONTRACT_CARE,
    ("POST", "/contracts/<uuid:contract_id>/lines/<uuid:line_id>/remove"): CONTRACT_CARE,
    ("POST", "/contracts/<uuid:contract_id>/activate"): CONTRACT_CARE,
    ("POST", "/contracts/<uuid:contract_id>/cancel"): CONTRACT_CARE,
    ("POST", "/contracts/<uuid:contract_id>/work-orders"): DISPATCH,
    ("GET", "/work-orders"): OFFICE,
    ("GET", "/work-orders/plan"): DISPATCH,
    ("POST", "/work-orders/plan"): DISPATCH,
    ("GET", "/work-orders/<uuid:work_order_id>"): OFFICE,
    ("GET", "/work-orders/<uuid:work_order_id>/photos/<uuid:photo_id>"): OFFICE,
    ("POST", "/work-orders/<uuid:work_order_id>/ready"): DISPATCH,
    ("POST", "/work-orders/<uuid:work_order_id>/publish"): DISPATCH,
    ("POST", "/work-orders/<uuid:work_order_id>/call-off"): DISPATCH,
    ("POST", "/work-orders/<uuid:work_order_id>/cancel"): DISPATCH,
    ("GET", "/conflicts"): OFFICE,
    ("GET", "/conflicts/<uuid:command_id>"): OFFICE,
    ("POST", "/conflicts/<uuid:command_id>"): DISPATCH,
    # A day's routes: the office looks, dispatch decides.
    ("GET", "/plans"): OFFICE,
    ("POST", "/plans"): DISPATCH,
    ("GET", "/plans/<uuid:route_plan_id>"): OFFICE,
    ("GET", "/plans/<uuid:route_plan_id>/progress"): OFFICE,
    ("POST", "/plans/<uuid:route_plan_id>/publish"): DISPATCH,
    ("GET", "/plans/<uuid:route_plan_id>/stops/<uuid:stop_id>"): DISPATCH,
    ("POST", "/plans/<uuid:route_plan_id>/stops/<uuid:stop_id>"): DISPATCH,
    ("POST", "/plans/<uuid:route_plan_id>/stops/<uuid:stop_id>/call-off"): DISPATCH,
    ("GET", "/technicians"): OFFICE,
    ("POST", "/technicians/bases"): DISPATCH,
    ("GET", "/technicians/<uuid:technician_id>"): OFFICE,
    ("POST", "/technicians/<uuid:technician_id>"): DISPATCH,
    ("POST", "/technicians/<uuid:technician_id>/skills"): DISPATCH,
    ("POST", "/technicians/<uuid:technician_id>/shifts"): DISPATCH,
    ("POST", "/technicians/<uuid:technician_id>/days-off"): DISPATCH,
    ("POST", "/technicians/<uuid:technician_id>/days-off/<off_on>/remove"): DISPATCH,
    # Who sells may look at invoices; only billing issues them, and says in whose name.
    ("GET", "/invoices"): CUSTOMER_CARE,
    ("GET", "/invoices/<uuid:invoice_id>"): CUSTOMER_CARE,
    ("GET", "/invoices/<uuid:invoice_id>/document.pdf"): CUSTOMER_CARE,
    ("GET", "/invoices/<uuid:invoice_id>/lines/<int(max=99999):position>"): CUSTOMER_CARE,
    ("GET", "/invoices/<uuid:invoice_id>/credit"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/invoices/<uuid:invoice_id>/credit"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/invoices/<uuid:invoice_id>/correction"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/invoices/<uuid:invoice_id>/correction"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/credit-notes/<uuid:credit_note_id>"): CUSTOMER_CARE,
    ("GET", "/payments"): CUSTOMER_CARE,
    ("GET", "/payments/<uuid:payment_id>"): CUSTOMER_CARE,
    ("GET", "/billing-accounts/<uuid:billing_account_id>/payments/new"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/billing-accounts/<uuid:billing_account_id>/payments/new"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/payments/<uuid:payment_id>/allocations"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/payments/<uuid:payment_id>/take-back"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/payments/<uuid:payment_id>/take-back"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/payments/<uuid:payment_id>/receipt"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/contracts/<uuid:contract_id>/deposit"): CUSTOMER_CARE,
    ("POST", "/contracts/<uuid:contract_id>/deposit"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/documents"): CUSTOMER_CARE,
    ("POST", "/work-orders/<uuid:work_order_id>/delivery-note"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/documents.csv"): CUSTOMER_CARE,
    ("GET", "/documents/<uuid:document_id>/document.pdf"): CUSTOMER_CARE,
    ("GET", "/closings"): CUSTOMER_CARE,
    ("POST", "/closings"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/closings/preview"): CUSTOMER_CARE,
    ("GET", "/closings/preview/<uuid:billing_account_id>"): CUSTOMER_CARE,
    ("GET", "/closings/<uuid:billing_run_id>"): CUSTOMER_CARE,
    ("GET", "/closings/<uuid:billing_run_id>/progress"): CUSTOMER_CARE,
    ("POST", "/closings/<uuid:billing_run_id>/release"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/closings/<uuid:billing_run_id>/accounts/<uuid:billing_item_id>/release"): (
        ADMINISTRATOR_AND_BILLING
    ),
    ("POST", "/closings/<uuid:billing_run_id>/stop"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/closings/<uuid:billing_run_id>/resume"): ADMINISTRATOR_AND_BILLING,
    ("POST", "/closings/<uuid:billing_run_id>/approve"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/closings/<uuid:billing_run_id>/accounts/<uuid:billing_item_id>"): CUSTOMER_CARE,
    ("POST", "/closings/<uuid:billing_run_id>/accounts/<uuid:billing_item_id>/approve"): (
        ADMINISTRATOR_AND_BILLING
    ),
    ("POST", "/closings/<uuid:billing_run_id>/accounts/<uuid:billing_item_id>/decline"): (
        ADMINISTRATOR_AND_BILLING
    ),
    ("GET", "/recurring-revenue"): CUSTOMER_CARE,
    ("GET", "/billing-limits"): CUSTOMER_CARE,
    ("POST", "/billing-limits"): ADMINISTRATOR_AND_BILLING,
    ("GET", "/issuer"): CUSTOMER_CARE,
    ("POST", "/issuer"): ADMINISTRATOR_AND_BILLING,
    # What can be rented, and how its numbers are made.
    ("GET", "/equipment-models"): OFFICE,
    ("GET", "/equipment-models/new"): CATALOG_CARE,
    ("POST", "/equipment-models/new"): CATALOG_CARE,
    ("GET", "/equipment-models/<uuid:equipment_model_id>"): OFFICE,
    ("GET", "/equipment-models/<uuid:equipment_model_id>/change"): CATALOG_CARE,
    ("POST", "/equipment-models/<uuid:equipment_model_id>/change"): CATALOG_CARE,
    ("POST", "/equipment-models/<uuid:equipment_model_id>/withdraw"): CATALOG_CARE,
    ("POST", "/equipment-models/<uuid:equipment_model_id>/offer"): CATALOG_CARE,
    ("GET", "/equipment-models/<uuid:equipment_model_id>/photo"): OFFICE,
    ("POST", "/equipment-models/<uuid:equipment_model_id>/photo"): CATALOG_CARE,
    ("GET", "/equipment-models/<uuid:equipment_model_id>/rate-plans/new"): CATALOG_CARE,
    ("POST", "/equipment-models/<uuid:equipment_model_id>/rate-plans/new"): CATALOG_CARE,
    ("GET", "/rate-plans/<uuid:rate_plan_id>/versions/new"): CATALOG_CARE,
    ("POST", "/rate-plans/<uuid:rate_plan_id>/versions/new"): CATALOG_CARE,
    ("POST", "/rate-plans/<uuid:rate_plan_id>/withdraw"): CATALOG_CARE,
    ("POST", "/rate-plans/<uuid:rate_plan_id>/offer"): CATALOG_CARE,
    ("GET", "/skills"): OFFICE,
    ("POST", "/skills"): CATALOG_CARE,
    ("GET", "/numbering-rules"): OFFICE,
    ("GET", "/numbering-rules/new"): ADMINISTRATOR,
    ("POST", "/numbering-rules/new"): ADMINISTRATOR,
    # Units and the places they are at: everybody in the office looks, the warehouse moves.
    ("GET", "/units"): OFFICE,
    ("GET", "/units/<uuid:unit_id>"): OFFICE,
    ("POST", "/units/<uuid:unit_id>/shelve"): STOREKEEPING,
    ("POST", "/units/<uuid:unit_id>/move"): STOREKEEPING,
    ("POST", "/units/<uuid:unit_id>/load"): STOREKEEPING,
    ("POST", "/units/<uuid:unit_id>/unload"): STOREKEEPING,
    ("POST", "/units/<uuid:unit_id>/retire"): STOREKEEPING,
    ("POST", "/units/<uuid:unit_id>/new-code"): STOREKEEPING,
    ("GET", "/receiving"): OFFICE,
    ("GET", "/receiving/new"): STOREKEEPING,
    ("POST", "/receiving/new"): STOREKEEPING,
    ("GET", "/receiving/<uuid:receipt_id>"): OFFICE,
    ("POST", "/receiving/<uuid:receipt_id>/shelve"): STOREKEEPING,
    ("GET", "/stock-locations"): OFFICE,
    ("GET", "/stock-locations/new"): STOREKEEPING,
    ("POST", "/stock-locations/new"): STOREKEEPING,
    ("GET", "/stock-locations/<uuid:location_id>"): OFFICE,
    ("POST", "/stock-locations/<uuid:location_id>"): STOREKEEPING,
    ("GET", "/labels"): OFFICE,
    ("POST", "/labels"): STOREKEEPING,
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
