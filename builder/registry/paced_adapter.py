"""The transport of requests, with answers that come in time."""

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from builder.host.pace import PacedResponse


class PacedConnection(HTTPConnection):
    response_class = PacedResponse


class PacedTLSConnection(HTTPSConnection):
    response_class = PacedResponse


class PacedPool(HTTPConnectionPool):
    ConnectionCls = PacedConnection


class PacedTLSPool(HTTPSConnectionPool):
    ConnectionCls = PacedTLSConnection


class PacedAdapter(HTTPAdapter):
    """An adapter whose connections, with a proxy and without, read their answers by `PacedResponse`."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (as the base class)
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": PacedPool, "https": PacedTLSPool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 (as the base class)
        """The manager of connections through a proxy."""
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = {"http": PacedPool, "https": PacedTLSPool}
        return manager
