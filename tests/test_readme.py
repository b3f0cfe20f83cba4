"""The README's tour works, line by line, against a running demo."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
START_SECONDS_MAX = 120


def test_the_tour_of_the_readme_runs_line_by_line(server_folder: Path) -> None:
    port = _free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VINCULO_")},
        "VINCULO_HOME": str(server_folder / "home"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("DATABASE_URL", None)
    environment.pop("KAFKA_BOOTSTRAP_SERVERS", None)
    command = [sys.executable, "-m", "vinculo", "demo", "--customers", "200", "--port", str(port)]
    demo = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(demo, port)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", _tour(port)],
            env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
    assert 0 == done.returncode, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert '"duplicate"' in done.stdout
    assert "byte for byte" in done.stdout or "same" in done.stdout


def _tour(port: int) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > 6
    script = "\n".join(blocks).replace("127.0.0.1:8700", f"127.0.0.1:{port}")
    # The tests' own environment is active already.
    return script.replace(". .venv/bin/activate\n", "")


def _wait_until_ready(demo: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert demo.poll() is None, "the demo ended by itself"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("the demo was not ready in time")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
