"""The office: customers, contracts, work orders, stock, the catalogue, people, jobs, checks, audit log."""

from flask import Flask

from rental.web.console import (
    audit_log,
    billing_accounts,
    billing_limits,
    checks,
    closing_reviews,
    closings,
    contracts,
    customers,
    equipment_models,
    field_reports,
    home,
    invoices,
    issuer,
    jobs,
    labels,
    numbering_rules,
    people,
    rate_plans,
    receiving,
    recurring_revenue,
    sites,
    skills,
    stock_locations,
    units,
    work_orders,
)


def register(app: Flask) -> None:
    for area in (
        home,
        customers,
        sites,
        billing_accounts,
        contracts,
        work_orders,
        field_reports,
        closings,
        closing_reviews,
        invoices,
        issuer,
        billing_limits,
        recurring_revenue,
        units,
        receiving,
        stock_locations,
        labels,
        equipment_models,
        rate_plans,
        skills,
        numbering_rules,
        people,
        jobs,
        checks,
        audit_log,
    ):
        app.register_blueprint(area.bp)
