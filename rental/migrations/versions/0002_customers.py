"""Customers, their contacts and billing accounts, and the sites where units stand."""

import sqlalchemy as sa
from alembic import op

revision = "0002_customers"
down_revision = "0001"


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_kana", sa.String(length=200), nullable=False),
        sa.Column("search_name", sa.String(length=1000), nullable=False),
        sa.Column("kind", _one_of("customerkind", "corporation", "sole_proprietor"), nullable=False),
        sa.Column("registration_number", sa.String(length=14), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customer"),
        sa.UniqueConstraint("number", name="uq_customer_number"),
    )
    op.create_index("ix_customer_registration_number", "customer", ["registration_number"])

    op.create_table(
        "contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_kana", sa.String(length=200), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_contact_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
    )
    op.create_index("ix_contact_customer_id", "contact", ["customer_id"])
    op.create_index(
        "uq_contact_primary",
        "contact",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
        sqlite_where=sa.text("is_primary"),
    )

    op.create_table(
        "billing_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("postal_code", sa.String(length=8), nullable=True),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("closing_day", sa.Integer(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("pay_day", sa.Integer(), nullable=False),
        sa.Column("holiday_rule", _one_of("holidayrule", "previous", "next", "none"), nullable=False),
        sa.Column("tax_rounding", _one_of("tax_rounding", "down", "up", "half_up"), nullable=False),
        sa.Column("charge_rounding", _one_of("charge_rounding", "down", "up", "half_up"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("closing_day BETWEEN 1 AND 31", name="ck_billing_account_closing_day_of_a_month"),
        sa.CheckConstraint("term_months BETWEEN 0 AND 6", name="ck_billing_account_term_of_half_a_year"),
        sa.CheckConstraint("pay_day BETWEEN 1 AND 31", name="ck_billing_account_pay_day_of_a_month"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_billing_account_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_billing_account"),
        sa.UniqueConstraint("number", name="uq_billing_account_number"),
    )
    op.create_index("ix_billing_account_customer_id", "billing_account", ["customer_id"])

    op.create_table(
        "site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_kana", sa.String(length=200), nullable=False),
        sa.Column("search_name", sa.String(length=1000), nullable=False),
        sa.Column("postal_code", sa.String(length=8), nullable=True),
        sa.Column("prefecture", sa.String(length=10), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("building", sa.String(length=200), nullable=False),
        sa.Column("normalised_address", sa.String(length=1000), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column(
            "position_source",
            _one_of("positionsource", "entered", "known_site", "municipality", "service"),
            nullable=True,
        ),
        sa.Column("position_precision_m", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("access_note", sa.String(length=2000), nullable=False),
        sa.Column("entrance_code", sa.String(length=100), nullable=True),
        sa.Column("state", _one_of("sitestate", "active", "closed"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (position_source IS NULL)"
            " AND (latitude IS NOT NULL OR position_precision_m IS NULL)",
            name="ck_site_position_whole",
        ),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="ck_site_position_on_earth"
        ),
        sa.CheckConstraint("position_precision_m >= 0", name="ck_site_precision_is_a_radius"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_site_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_site"),
        sa.UniqueConstraint("number", name="uq_site_number"),
    )
    op.create_index("ix_site_customer_id", "site", ["customer_id"])
    op.create_index("ix_site_normalised_address", "site", ["normalised_address"])

    op.create_table(
        "site_hours",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("opens", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closes", sa.Integer(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="ck_site_hours_weekday_of_a_week"),
        sa.CheckConstraint(
            "opens >= 0 AND opens < closes AND closes <= 1440", name="ck_site_hours_window_within_a_day"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_site_hours_site_id"),
        sa.PrimaryKeyConstraint("site_id", "weekday", "opens", name="pk_site_hours"),
    )


def downgrade() -> None:
    op.drop_table("site_hours")
    op.drop_index("ix_site_normalised_address", table_name="site")
    op.drop_index("ix_site_customer_id", table_name="site")
    op.drop_table("site")
    op.drop_index("ix_billing_account_customer_id", table_name="billing_account")
    op.drop_table("billing_account")
    op.drop_index("uq_contact_primary", table_name="contact")
    op.drop_index("ix_contact_customer_id", table_name="contact")
    op.drop_table("contact")
    op.drop_index("ix_customer_registration_number", table_name="customer")
    op.drop_table("customer")
