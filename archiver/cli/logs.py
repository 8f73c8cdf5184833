"""Logs: JSON lines on stderr. They name ids, counts and causes, never content."""

import logging
import sys

import structlog

_LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}


def log_everything(level: str) -> None:
    """Log from `level` on, as a server does."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def log_problems(level: str) -> None:
    """Log what a command's person must know: problems, unless asked for more (`debug`)."""
    log_everything(level if level == "debug" else "error")
