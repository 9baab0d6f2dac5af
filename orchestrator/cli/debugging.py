"""Logs are events for machines and for whoever debugs; what people read is in ui/."""

import logging
import sys

import structlog


def start_logs(*, verbose: bool) -> None:
    """Send log events to stderr: everything when verbose, else only what went wrong."""
    level = logging.DEBUG if verbose else logging.ERROR
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Paramiko and its like log transport noise of their own; problems reach us as errors.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
