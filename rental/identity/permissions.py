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


class Role(StrEnum):
    """What somebody is in the company; a person may be several things, a customer only one."""

    ADMINISTRATOR = "administrator"
    SALES = "sales"
    WAREHOUSE = "warehouse"
    DISPATCHER = "dispatcher"
    TECHNICIAN = "technician"
    BILLING = "billing"
    CUSTOMER = "customer"


_STAFF = frozenset({Permission.OWN_ACCOUNT, Permission.CONSOLE})
_CHECKS = frozenset({Permission.CHECKS_READ, Permission.CHECKS_START})

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: _STAFF
    | _CHECKS
    | {
        Permission.PEOPLE_READ,
        Permission.PEOPLE_MANAGE,
        Permission.JOBS_READ,
        Permission.JOBS_RUN_AGAIN,
        Permission.AUDIT_READ,
    },
    Role.SALES: _STAFF,
    Role.WAREHOUSE: _STAFF | {Permission.PHONE},
    Role.DISPATCHER: _STAFF,
    Role.TECHNICIAN: frozenset({Permission.OWN_ACCOUNT, Permission.PHONE}),
    Role.BILLING: _STAFF | _CHECKS | {Permission.JOBS_READ},
    Role.CUSTOMER: frozenset({Permission.OWN_ACCOUNT, Permission.PORTAL}),
}


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """Everything that at least one of the roles may do."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
