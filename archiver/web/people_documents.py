"""The JSON documents of people and sessions, as models (see `documents`)."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_REQUEST = ConfigDict(extra="forbid", frozen=True)
_ANSWER = ConfigDict(extra="allow", frozen=True)


class NewPerson(BaseModel):
    """A person to invite. A role is like `counsel`, or `reviewer in unit Treasury`."""

    model_config = _REQUEST

    name: str = Field(min_length=1, max_length=200)
    email: str = Field(min_length=3, max_length=254)
    roles: tuple[str, ...] = Field(min_length=1, max_length=100)


class NewRoles(BaseModel):
    """The roles a person holds from now on, all of them; and why."""

    model_config = _REQUEST

    roles: tuple[str, ...] = Field(max_length=100)
    reason: str = Field(default="", max_length=2000)


class Reason(BaseModel):
    """Why something is done."""

    model_config = _REQUEST

    reason: str = Field(default="", max_length=2000)


class PersonDocument(BaseModel):
    """A person: who, in which state, with which roles."""

    model_config = _ANSWER

    id: str
    name: str
    email: str
    state: Literal["invited", "active", "disabled"]
    roles: list[str]
    created_at: datetime
    last_sign_in_at: datetime | None


class InvitedPerson(PersonDocument):
    """A person with the path of their one-time link, shown this once."""

    link: str
    link_expires_at: datetime


class PersonList(BaseModel):
    """People, by name."""

    model_config = _ANSWER

    items: list[PersonDocument]


class SessionDocument(BaseModel):
    """One's own browser session."""

    model_config = _ANSWER

    id: str
    method: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool


class SessionList(BaseModel):
    """One's own browser sessions, newest first."""

    model_config = _ANSWER

    items: list[SessionDocument]
