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
from archiver.web.pages import audit as audit_pages
from archiver.web.pages import classes as class_pages
from archiver.web.pages import (
    confirm,
    my_account,
    new_hold,
    oidc,
    passkeys,
    record,
    rendering,
    search_builder,
    search_explained,
    sign_in,
    style_page,
)
from archiver.web.pages import content as content_pages
from archiver.web.pages import help as help_pages
from archiver.web.pages import holds as hold_pages
from archiver.web.pages import home as home_page
from archiver.web.pages import imports as import_pages
from archiver.web.pages import integrity as integrity_pages
from archiver.web.pages import jobs as job_pages
from archiver.web.pages import people as people_pages
from archiver.web.pages import saved_searches as saved_pages
from archiver.web.pages import search as search_page
from archiver.web.pages import sets as set_pages
from archiver.web.pages import settings as settings_pages
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
    *class_pages.ROUTES,
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
