"""What a person may do: permissions, and the roles that are sets of them."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing a person may do; every route asks for one."""

    OWN_ACCOUNT = "own_account"
    CONSOLE = "console"
    PHONE = "phone"
    PORTAL = "portal"
    PEOPLE_READ = "people.read"
    PEOPLE_MANAGE = "people.manage"
    JOBS_READ = "jobs.read"
    JOBS_RUN_AGAIN = "jobs.run_again"
    AUDIT_READ = "audit.read"
    CHECKS_READ = "checks.read"
    CHECKS_START = "checks.start"
    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_MANAGE = "customers.manage"
    CATALOG_READ = "catalog.read"
    CATALOG_MANAGE = "catalog.manage"
    STOCK_READ = "stock.read"
    STOCK_MOVE = "stock.move"
    NUMBERING_MANAGE = "numbering.manage"
    CONTRACTS_READ = "contracts.read"
    CONTRACTS_MANAGE = "contracts.manage"
    WORK_ORDERS_READ = "work_orders.read"
    WORK_ORDERS_PLAN = "work_orders.plan"
    INVOICES_READ = "invoices.read"
    INVOICES_ISSUE = "invoices.issue"
    OWN_VISITS = "own_visits"
    PLANS_READ = "plans.read"
    PLANS_MANAGE = "plans.manage"


class Role(StrEnum):
    """What somebody is in the company; a person may be several things, a customer only one."""

    ADMINISTRATOR = "administrator"
    SALES = "sales"
    WAREHOUSE = "warehouse"
    DISPATCHER = "dispatcher"
    TECHNICIAN = "technician"
    BILLING = "billing"
    CUSTOMER = "customer"


# Everybody at the office sees what is rented, what is in stock, what was promised and what is to be done.
_STAFF = frozenset(
    {
        Permission.OWN_ACCOUNT,
        Permission.CONSOLE,
        Permission.CATALOG_READ,
        Permission.STOCK_READ,
        Permission.CUSTOMERS_READ,
        Permission.CONTRACTS_READ,
        Permission.WORK_ORDERS_READ,
        Permission.PLANS_READ,
    }
)
_CHECKS = frozenset({Permission.CHECKS_READ, Permission.CHECKS_START})
_CUSTOMERS = frozenset({Permission.CUSTOMERS_MANAGE})
_INVOICES = frozenset({Permission.INVOICES_READ, Permission.INVOICES_ISSUE})

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: _STAFF
    | _CHECKS
    | _CUSTOMERS
    | _INVOICES
    | {
        Permission.CATALOG_MANAGE,
        Permission.STOCK_MOVE,
        Permission.NUMBERING_MANAGE,
        Permission.CONTRACTS_MANAGE,
        Permission.WORK_ORDERS_PLAN,
        Permission.PLANS_MANAGE,
        Permission.PEOPLE_READ,
        Permission.PEOPLE_MANAGE,
        Permission.JOBS_READ,
        Permission.JOBS_RUN_AGAIN,
        Permission.AUDIT_READ,
    },
    Role.SALES: _STAFF
    | _CUSTOMERS
    | {Permission.CATALOG_MANAGE, Permission.CONTRACTS_MANAGE, Permission.INVOICES_READ},
    Role.WAREHOUSE: _STAFF | {Permission.PHONE, Permission.STOCK_MOVE},
    Role.DISPATCHER: _STAFF | {Permission.WORK_ORDERS_PLAN, Permission.PLANS_MANAGE},
    Role.TECHNICIAN: frozenset({Permission.OWN_ACCOUNT, Permission.PHONE, Permission.OWN_VISITS}),
    Role.BILLING: _STAFF | _CHECKS | _CUSTOMERS | _INVOICES | {Permission.JOBS_READ},
    Role.CUSTOMER: frozenset({Permission.OWN_ACCOUNT, Permission.PORTAL}),
}


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """Everything that at least one of the roles may do."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
