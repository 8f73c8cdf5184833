"""What a page of a form says when the use case refused what was sent."""

from http import HTTPStatus

from archiver.errors import CallerError, InvalidInput
from archiver.web.errors import status_of


def refused(error: CallerError | None) -> tuple[tuple[str, str], ...]:
    """Return what is wrong as `ui.errors` takes it: the field, or "", and a sentence."""
    if error is None:
        return ()
    pointer = (error.pointer or "") if isinstance(error, InvalidInput) else ""
    message = str(error)
    return ((pointer.removeprefix("/"), f"{message[0].upper()}{message[1:]}."),)


def refused_status(error: CallerError | None) -> int:
    """Return the status of the page that shows the form: 200 where nothing was refused."""
    return HTTPStatus.OK if error is None else status_of(error)
