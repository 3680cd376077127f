"""What every tier of the tests needs."""

from hypothesis import settings


def pytest_configure() -> None:
    """No property fails because the machine is busy."""
    settings.register_profile("busy", deadline=None)
    settings.load_profile("busy")
