"""What remains of a record is evidence when the record has gone; until then it can be taken back.

A destruction writes it before the first byte goes. A hold or a lock of the store that comes in
between keeps the record, and then it has not been destroyed.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WHY = "rows of disposed are evidence and are never changed or removed"  # the words of 0001
_IS_THERE = "EXISTS (SELECT 1 FROM record WHERE record.log_index = OLD.log_index)"


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER disposed_refuses_delete")
        op.execute(
            "CREATE TRIGGER disposed_refuses_delete BEFORE DELETE ON disposed "
            f"WHEN NOT {_IS_THERE} BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_forgetting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT {_IS_THERE} THEN RAISE EXCEPTION USING "
        "ERRCODE = 'integrity_constraint_violation', MESSAGE = TG_ARGV[0]; END IF; "
        "RETURN OLD; END $$"
    )
    op.execute("DROP TRIGGER disposed_refuses_change ON disposed")
    op.execute(
        "CREATE TRIGGER disposed_refuses_change BEFORE UPDATE ON disposed "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change('{WHY}')"
    )
    op.execute(
        "CREATE TRIGGER disposed_refuses_delete BEFORE DELETE ON disposed "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_forgetting('{WHY}')"
    )


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER disposed_refuses_delete")
        op.execute(
            "CREATE TRIGGER disposed_refuses_delete BEFORE DELETE ON disposed "
            f"BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
        )
        return
    op.execute("DROP TRIGGER disposed_refuses_delete ON disposed")
    op.execute("DROP TRIGGER disposed_refuses_change ON disposed")
    op.execute(
        "CREATE TRIGGER disposed_refuses_change BEFORE UPDATE OR DELETE ON disposed "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change('{WHY}')"
    )
    op.execute("DROP FUNCTION refuse_forgetting()")
