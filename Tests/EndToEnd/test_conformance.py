"""Every client scenario that conformance to 2025-11-25 and to 2026-07-28 requires, played against our own client."""

import json
import os
import re
import subprocess

import pytest

from conftest import ROOT
from peers.conformance import LEGACY, MODERN, SCENARIOS

CLIENT = ROOT / ".build/debug/conformance-client"
REQUIREMENTS = ROOT.parent / "shared/upstream/mcp/conformance"


def required(version):
    """The list `client:` of the requirements."""
    text = (REQUIREMENTS / f"{version}.requirements.yaml").read_text()
    part = re.search(r"^client:\n((?:  - .*\n)+)", text, re.MULTILINE).group(1)
    return set(re.findall(r"- (\S+)", part))


@pytest.mark.skipif(not REQUIREMENTS.exists(), reason="the requirements are not beside the project")
@pytest.mark.parametrize("version", [LEGACY, MODERN])
def test_no_scenario_is_left_out(version):
    assert set(SCENARIOS[version]) == required(version)


@pytest.mark.parametrize("version, name", [(v, n) for v, all in SCENARIOS.items() for n in all])
def test_scenario(version, name):
    scenario = SCENARIOS[version][name](version)
    try:
        environment = {
            **os.environ, "MCP_CONFORMANCE_SCENARIO": name, "MCP_CONFORMANCE_PROTOCOL_VERSION": version}
        if scenario.context:
            environment["MCP_CONFORMANCE_CONTEXT"] = json.dumps({"name": name, **scenario.context})
        result = subprocess.run(
            [CLIENT, scenario.url], env=environment, capture_output=True, text=True, timeout=60)
        scenario.finish()
    finally:
        scenario.stop()
    wrong = {check: [seen for passed, seen in results if not passed]
             for check, results in scenario.checks.items() if not all(passed for passed, _ in results)}
    assert not wrong, result.stdout + result.stderr
    assert scenario.checks and (result.returncode == 0 or scenario.may_fail), result.stdout + result.stderr
    # A client that must not go on says so.
    if type(scenario).__name__ == "Mismatch":
        assert result.returncode == 1 and result.stderr, result.stdout
