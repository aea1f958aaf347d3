"""Generated requests against the OpenAPI file: no failure, and no answer that the file does not know."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from callclock_server.api.schema import OPENAPI_FILE
from callclock_server.testing import RunningServer
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
described = schemathesis.openapi.from_dict(json.loads(OPENAPI_FILE.read_text()))


@pytest.mark.filterwarnings("ignore")
@described.parametrize()
@settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_generated_requests_get_a_described_answer(server: RunningServer, case: Any) -> None:
    case.call_and_validate(base_url=server.url, headers=server.headers(), checks=CHECKS)
