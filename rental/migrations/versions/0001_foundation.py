"""People and permissions, the queue, the audit log, checks and notices."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


# An entry may be sealed once; apart from that it is never changed and never deleted.
_FACTS = (
    "id",
    "at",
    "transaction_id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "address",
    "reason",
    "action",
    "entity",
    "entity_id",
    "before",
    "after",
)


def _guard_audit_log() -> None:
    if op.get_bind().dialect.name == "sqlite":
        same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _FACTS)
        op.execute(
            "CREATE TRIGGER audit_entry_keeps_facts BEFORE UPDATE ON audit_entry "
            f"WHEN OLD.sequence IS NOT NULL OR NOT ({same}) "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END"
        )
        op.execute(
            "CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END"
        )
        # INSERT OR REPLACE would go round both triggers above.
        op.execute(
            "CREATE TRIGGER audit_entry_is_new BEFORE INSERT ON audit_entry "
            "WHEN NEW.sequence IS NOT NULL OR EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END"
        )
        return
    # JSON has no equality in PostgreSQL; its text has.
    text = {"before": "::text", "after": "::text"}
    same = " AND ".join(
        f"NEW.{name}{text.get(name, '')} IS NOT DISTINCT FROM OLD.{name}{text.get(name, '')}"
        for name in _FACTS
    )
    op.execute(
        "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'audit entries are never changed or deleted'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_keeps_facts BEFORE UPDATE ON audit_entry FOR EACH ROW "
        f"WHEN (OLD.sequence IS NOT NULL OR NOT ({same})) EXECUTE FUNCTION audit_entry_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry FOR EACH ROW "
        "EXECUTE FUNCTION audit_entry_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_is_new BEFORE INSERT ON audit_entry FOR EACH ROW "
        "WHEN (NEW.sequence IS NOT NULL) EXECUTE FUNCTION audit_entry_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_is_not_emptied BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT "
        "EXECUTE FUNCTION audit_entry_refuse()"
    )


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("normalised_email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("search_name", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "invited",
                "active",
                "disabled",
                name="accountstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("theme", sa.String(length=10), nullable=False),
        sa.Column("density", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("normalised_email", name="uq_account_normalised_email"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("entity", sa.String(length=60), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=True),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("previous_seal", sa.String(length=64), nullable=True),
        sa.Column("seal", sa.String(length=64), nullable=True),
        sa.CheckConstraint("sequence >= 1", name="ck_audit_entry_sequence_begins_at_one"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
        sa.UniqueConstraint("sequence", name="uq_audit_entry_sequence"),
    )
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id"])
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])
    op.create_index("ix_audit_entry_entity", "audit_entry", ["entity", "entity_id", "id"])
    op.create_index("ix_audit_entry_transaction_id", "audit_entry", ["transaction_id"])
    op.create_index(
        "ix_audit_entry_unsealed",
        "audit_entry",
        ["id"],
        postgresql_where=sa.text("sequence IS NULL"),
        sqlite_where=sa.text("sequence IS NULL"),
    )

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_head_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.create_table(
        "business_date",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pinned_on", sa.Date(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_business_date_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_business_date"),
    )
    op.create_table(
        "counter",
        sa.Column("series", sa.String(length=80), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", name="pk_counter"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_used_at", "idempotency_key", ["used_at"])

    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_message"),
    )
    op.create_index("ix_outbox_message_announced_at", "outbox_message", ["announced_at"])

    op.create_table(
        "periodic_turn",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_periodic_turn"),
    )
    op.create_table(
        "sign_in_throttle",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failure_count", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_throttle"),
    )
    op.create_index("ix_sign_in_throttle_last_failed_at", "sign_in_throttle", ["last_failed_at"])

    op.create_table(
        "stored_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("download_name", sa.String(length=200), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stored_file"),
    )
    op.create_index("ix_stored_file_sha256", "stored_file", ["sha256"])

    op.create_table(
        "account_role",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "administrator",
                "sales",
                "warehouse",
                "dispatcher",
                "technician",
                "billing",
                "customer",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_account_role_account_id"),
        sa.PrimaryKeyConstraint("account_id", "role", name="pk_account_role"),
    )
    op.create_table(
        "account_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "browser", "phone", name="sessionkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_account_session_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_account_session"),
        sa.UniqueConstraint("token_hash", name="uq_account_session_token_hash"),
    )
    op.create_index("ix_account_session_open", "account_session", ["account_id", "ended_at"])

    op.create_table(
        "check_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "finished",
                name="checkrunstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finding_count", sa.Integer(), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["stored_file.id"], name="fk_check_run_report_id"),
        sa.ForeignKeyConstraint(["started_by_id"], ["account.id"], name="fk_check_run_started_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_check_run"),
        sa.UniqueConstraint("number", name="uq_check_run_number"),
    )
    op.create_index("ix_check_run_started_at", "check_run", ["started_at"])

    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.String(length=80), nullable=False),
        sa.Column(
            "queue",
            sa.Enum(
                "interactive",
                "events",
                "billing",
                "planning",
                name="queue",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "failed",
                "parked",
                "done",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.String(length=120), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["outbox_message.id"], name="fk_delivery_message_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("message_id", "handler", name="uq_delivery_message_id_handler"),
    )
    op.create_index("ix_delivery_due", "delivery", ["state", "due_at"])

    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "password_set",
                "roles_changed",
                "signed_in_somewhere_new",
                "check_found_problems",
                name="noticekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("params", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_notice_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
    )
    op.create_index("ix_notice_unread", "notice", ["account_id", "read_at"])

    op.create_table(
        "set_up_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_set_up_link_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_set_up_link"),
        sa.UniqueConstraint("token_hash", name="uq_set_up_link_token_hash"),
    )
    op.create_index("ix_set_up_link_account_id", "set_up_link", ["account_id"])

    op.create_table(
        "check_result",
        sa.Column("check_run_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("finding_count", sa.Integer(), nullable=False),
        sa.Column("examples", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["check_run_id"], ["check_run.id"], name="fk_check_result_check_run_id"),
        sa.PrimaryKeyConstraint("check_run_id", "code", name="pk_check_result"),
    )
    _guard_audit_log()


def downgrade() -> None:
    op.drop_table("check_result")
    op.drop_index("ix_set_up_link_account_id", table_name="set_up_link")

    op.drop_table("set_up_link")
    op.drop_index("ix_notice_unread", table_name="notice")

    op.drop_table("notice")
    op.drop_index("ix_delivery_due", table_name="delivery")

    op.drop_table("delivery")
    op.drop_index("ix_check_run_started_at", table_name="check_run")

    op.drop_table("check_run")
    op.drop_index("ix_account_session_open", table_name="account_session")

    op.drop_table("account_session")
    op.drop_table("account_role")
    op.drop_index("ix_stored_file_sha256", table_name="stored_file")

    op.drop_table("stored_file")
    op.drop_index("ix_sign_in_throttle_last_failed_at", table_name="sign_in_throttle")

    op.drop_table("sign_in_throttle")
    op.drop_table("periodic_turn")
    op.drop_index("ix_outbox_message_announced_at", table_name="outbox_message")

    op.drop_table("outbox_message")
    op.drop_index("ix_idempotency_key_used_at", table_name="idempotency_key")

    op.drop_table("idempotency_key")
    op.drop_table("counter")
    op.drop_table("business_date")
    op.drop_table("audit_head")
    op.drop_index("ix_audit_entry_unsealed", table_name="audit_entry")
    op.drop_index("ix_audit_entry_transaction_id", table_name="audit_entry")
    op.drop_index("ix_audit_entry_entity", table_name="audit_entry")
    op.drop_index("ix_audit_entry_at", table_name="audit_entry")
    op.drop_index("ix_audit_entry_actor_id", table_name="audit_entry")

    op.drop_table("audit_entry")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entry_refuse")
    op.drop_table("account")
