"""Search term reports as jobs: counting a list over a large set takes minutes."""

from archiver.access.rules import Permission
from archiver.jobs.work import Kind, Result
from archiver.jobs.work_run import Run
from archiver.legal.term_reports import TermReports, Wanted

TERM_REPORT = "term-report"


def term_report_kind(reports: TermReports) -> Kind:
    """Return the kind that makes a search term report; its arguments are a `Wanted`."""

    async def run(job: Run) -> Result:
        report = await reports.make(Wanted(**job.arguments), actor=job.actor, progress=job.progress)
        job.say(f"{report.total.documents:,} of {report.documents:,} documents hit")
        return {
            "report_id": report.id,
            "terms": len(report.terms),
            "errors": report.errors,
            "documents": report.documents,
            "hits": report.total.documents,
        }

    return Kind(
        name=TERM_REPORT,
        title="Search term report",
        permission=Permission.SEARCH,
        run=run,
        holds_content=True,
        in_part=True,
    )
