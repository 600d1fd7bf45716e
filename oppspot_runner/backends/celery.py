"""How a runner comes to have agents run in Celery workers, if it is told of a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.settings import Settings

if TYPE_CHECKING:
    from oppspot_runner.backends.backend import Backend, BackendSurroundings


def celery_backend(surroundings: BackendSurroundings) -> Backend:
    """Raises ConfigurationError without a broker, and where the extra is not installed."""
    broker = broker_of(surroundings.settings)
    try:
        from oppspot_runner.backends.celery_bodies import CeleryBodies
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"Celery is not installed: {error}", hint="pip install 'oppspot-runner[celery]'"
        ) from None
    return CeleryBodies(surroundings, broker)


def broker_of(settings: Settings) -> str:
    """The broker of Celery. Raises ConfigurationError where none is set."""
    secret = settings.celery_broker
    if secret is None or not secret.get_secret_value():
        raise ConfigurationError(
            "no broker of Celery is set",
            hint="Set OPPSPOT_CELERY_BROKER, such as redis://localhost:6379/0.",
        )
    return read_secret(secret.get_secret_value(), "the broker of Celery")
