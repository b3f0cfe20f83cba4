"""The API's settings out of the product's."""

from __future__ import annotations

from api.settings import ApiSettings
from vinculo.composition import Composition


def api_settings(made: Composition) -> ApiSettings:
    """Return what an API process needs to know.

    Raises:
        VinculoError: secret, sources or rules cannot be read.

    """
    return ApiSettings(
        conninfo=made.conninfo,
        tenant=made.settings.tenant,
        secret=made.secret.secret,
        sources=made.sources,
        context=made.context,
    )
