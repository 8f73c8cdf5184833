"""Coming in, one's account, people and their roles, with real clicks."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from archiver.access.people import PeopleFilter
from archiver.model.actor import Role
from tests.browser.conftest import PageAs
from tests.browser.site import Site

PASSWORD = "seven herons over the harbour"
REASON = "Tessa reviews what the treasury says"


def person_id(site: Site, email: str) -> str:
    admin = site.actor(Role.ADMINISTRATOR)
    (found,) = site.run(site.services.people.list(PeopleFilter(words=email), actor=admin))
    return found.id


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_is_invited_limited_and_comes_in(
    site: Site, page_as: PageAs, axe: Callable[[Page], None], *, javascript: bool
) -> None:
    email = f"tessa.{'script' if javascript else 'plain'}@example.com"
    page = page_as(Role.ADMINISTRATOR, path="/people", javascript=javascript)
    page.get_by_role("link", name="Invite a person").click()
    page.get_by_label("Name", exact=True).fill("Tessa Vos")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("checkbox", name="Reviewer").check()
    page.get_by_role("button", name="Invite").click()
    link = page.locator("[data-link]").inner_text()
    if javascript:
        axe(page)

    hers = page_as(None, path=link.removeprefix(site.url), javascript=javascript)
    expect(hers.get_by_role("heading", name="Welcome, Tessa Vos")).to_be_visible()
    hers.get_by_label("New password").fill(PASSWORD)
    hers.get_by_role("button", name="Set password and sign in").click()
    hers.wait_for_load_state()
    hers.goto("/me")
    expect(hers.locator("main").get_by_text("Reviewer", exact=True)).to_be_visible()

    page.goto(f"/people/{person_id(site, email)}")
    page.get_by_role("link", name="Change roles").click()
    page.get_by_role("checkbox", name="Reviewer").uncheck()
    part = page.get_by_role("group", name="Add a role over a part (1 of 3)")
    part.get_by_label("Role").select_option("reviewer")
    part.get_by_label("Unit or matter").fill("Treasury")
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_text("Given: Reviewer, Unit Treasury")).to_be_visible()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Change roles").click()
    expect(page.get_by_text("The roles are in force.")).to_be_visible()

    hers.reload()
    expect(hers.locator("main").get_by_text("Reviewer, unit Treasury")).to_be_visible()


def test_a_wrong_password_is_told_and_the_right_one_leads_back(
    site: Site, page_as: PageAs, axe: Callable[[Page], None]
) -> None:
    admin = site.actor(Role.ADMINISTRATOR)
    someone = site.person(Role.COUNSEL, matter="Halloran inquiry")
    link = site.run(site.services.invitations.link(someone, actor=admin))
    site.run(site.services.invitations.accept(link.path.rpartition("/")[2], PASSWORD))
    email = site.run(site.services.people.show(someone, actor=admin)).email
    page = page_as(None, path="/me")
    expect(page).to_have_url(f"{site.url}/sign-in?next=/me")

    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("not my password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("do not fit")
    axe(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page).to_have_url(f"{site.url}/me")
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/sign-in")
    page.goto("/me")
    expect(page).to_have_url(f"{site.url}/sign-in?next=/me")


def test_glass_is_broken_with_a_reason_and_shown_on_every_page(
    page_as: PageAs, axe: Callable[[Page], None]
) -> None:
    page = page_as(Role.OPERATOR, path="/me")
    page.get_by_role("link", name="Break the glass…").click()
    page.get_by_label("Reason").fill("The regulator asked for one post by telephone")
    page.get_by_role("button", name="Break the glass").click()

    expect(page.get_by_text("You are reading content behind broken glass")).to_be_visible()
    axe(page)
    page.goto("/me")
    page.get_by_role("button", name="Stop reading behind glass").click()
    expect(page.get_by_text("behind broken glass")).to_have_count(0)
