"""A password in a URL on the command line does not stay in the process title."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="process titles are read from /proc")
def test_password_leaves_the_process_title() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me:hunter2hunter2@127.0.0.1:{silent.getsockname()[1]}/shop"
        process = subprocess.Popen(
            [sys.executable, "-m", "crosswalk", "status", "--target", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            silent.settimeout(20)
            peer, _ = silent.accept()
            title = ""
            until = time.monotonic() + 10
            while time.monotonic() < until and "***" not in title:
                title = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                time.sleep(0.05)
            assert "***" in title
            assert "hunter2" not in title
            peer.close()
        finally:
            process.kill()
            process.communicate()
