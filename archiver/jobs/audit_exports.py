"""The job that exports the audit trail."""

from archiver.access.rules import Permission
from archiver.assurance.audit_export import AuditExport
from archiver.jobs.work import Kind, Result
from archiver.jobs.work_run import Run

AUDIT_EXPORT = "audit-export"


def audit_export_kind(exports: AuditExport) -> Kind:
    """Return the kind that exports the events a filter describes; its arguments are the filter."""

    async def run(job: Run) -> Result:
        return await exports.run(job)

    return Kind(
        name=AUDIT_EXPORT,
        title="Export of the audit trail",
        permission=Permission.READ_AUDIT,
        run=run,
        holds_content=True,  # names of people and what they searched for
    )
