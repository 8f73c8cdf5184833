"""Every route of the service, on one screen."""

from archiver.web.api import (
    accounts,
    batch_decisions,
    batches,
    captures,
    certificates,
    classes,
    drafts,
    events,
    health,
    holds,
    imports,
    integrity,
    jobs,
    log,
    people,
    privacy,
    queries,
    records,
    retention_events,
    saved_searches,
    search,
    sessions,
    sets,
    settings,
    simulations,
    term_reports,
    tokens,
)
from archiver.web.pages import accounts as account_pages
from archiver.web.pages import (
    approvals,
    class_changes,
    class_report,
    confirm,
    disposal_stop,
    draft_decisions,
    draft_editor,
    event_import,
    my_account,
    new_event,
    new_hold,
    oidc,
    passkeys,
    reclassify,
    record,
    rendering,
    search_builder,
    search_explained,
    sign_in,
    style_page,
)
from archiver.web.pages import audit as audit_pages
from archiver.web.pages import batch as batch_page
from archiver.web.pages import (
    batch_decisions as batch_decision_pages,
)
from archiver.web.pages import batch_members as batch_member_pages
from archiver.web.pages import batch_review as batch_review_pages
from archiver.web.pages import certificates as certificate_pages
from archiver.web.pages import classes as class_pages
from archiver.web.pages import content as content_pages
from archiver.web.pages import disposition as disposition_pages
from archiver.web.pages import drafts as draft_pages
from archiver.web.pages import help as help_pages
from archiver.web.pages import holds as hold_pages
from archiver.web.pages import home as home_page
from archiver.web.pages import imports as import_pages
from archiver.web.pages import integrity as integrity_pages
from archiver.web.pages import jobs as job_pages
from archiver.web.pages import people as people_pages
from archiver.web.pages import privacy as privacy_pages
from archiver.web.pages import privacy_acts as privacy_act_pages
from archiver.web.pages import retention_events as retention_event_pages
from archiver.web.pages import saved_searches as saved_pages
from archiver.web.pages import search as search_page
from archiver.web.pages import sets as set_pages
from archiver.web.pages import settings as settings_pages
from archiver.web.pages import simulation as simulation_pages
from archiver.web.pages import subscriptions as subscription_pages
from archiver.web.pages import terms as term_pages
from archiver.web.pages import tokens as token_pages
from archiver.web.routing import Route

ROUTES: tuple[Route, ...] = (
    *captures.ROUTES,
    *accounts.ROUTES,
    *search.ROUTES,
    *sets.ROUTES,
    *term_reports.ROUTES,
    *queries.ROUTES,
    *saved_searches.ROUTES,
    *records.ROUTES,
    *holds.ROUTES,
    *classes.ROUTES,
    *drafts.ROUTES,
    *retention_events.ROUTES,
    *simulations.ROUTES,
    *batches.ROUTES,
    *batch_decisions.ROUTES,
    *certificates.ROUTES,
    *privacy.ROUTES,
    *tokens.ROUTES,
    *people.ROUTES,
    *sessions.ROUTES,
    *log.ROUTES,
    *events.ROUTES,
    *settings.ROUTES,
    *jobs.ROUTES,
    *integrity.ROUTES,
    *imports.ROUTES,
    *health.ROUTES,
    *search_page.ROUTES,
    *search_builder.ROUTES,
    *search_explained.ROUTES,
    *set_pages.ROUTES,
    *term_pages.ROUTES,
    *saved_pages.ROUTES,
    *subscription_pages.ROUTES,
    *home_page.ROUTES,
    *account_pages.ROUTES,
    *class_changes.ROUTES,
    *class_report.ROUTES,
    *reclassify.ROUTES,
    *class_pages.ROUTES,
    *draft_pages.ROUTES,
    *draft_editor.ROUTES,
    *draft_decisions.ROUTES,
    *simulation_pages.ROUTES,
    *disposition_pages.ROUTES,
    *batch_page.ROUTES,
    *batch_review_pages.ROUTES,
    *batch_member_pages.ROUTES,
    *batch_decision_pages.ROUTES,
    *certificate_pages.ROUTES,
    *privacy_pages.ROUTES,
    *privacy_act_pages.ROUTES,
    *disposal_stop.ROUTES,
    *retention_event_pages.ROUTES,
    *new_event.ROUTES,
    *event_import.ROUTES,
    *approvals.ROUTES,
    *record.ROUTES,
    *content_pages.ROUTES,
    *new_hold.ROUTES,
    *hold_pages.ROUTES,
    *job_pages.ROUTES,
    *integrity_pages.ROUTES,
    *audit_pages.ROUTES,
    *settings_pages.ROUTES,
    *help_pages.ROUTES,
    *import_pages.ROUTES,
    *sign_in.ROUTES,
    *confirm.ROUTES,
    *my_account.ROUTES,
    *people_pages.ROUTES,
    *token_pages.ROUTES,
    *oidc.ROUTES,
    *passkeys.ROUTES,
    *rendering.ROUTES,
    *style_page.ROUTES,
)
