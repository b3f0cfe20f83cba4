"""The server settings that are part of the product.

They are written to a file of their own at each start, so that a new release's settings reach
clusters made by an old one. What an operator says with ALTER SYSTEM outranks them.
"""

import os
from pathlib import Path

MEGABYTE = 1024 * 1024
SHARED_BUFFERS_MAX_BYTES = 1024 * MEGABYTE
SHARED_BUFFERS_MIN_BYTES = 128 * MEGABYTE
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def server_settings(socket_folder: Path, memory_bytes: int, wal_compression: str) -> dict[str, str]:
    """The product's settings by name.

    Args:
        socket_folder: where the server listens; it listens nowhere else.
        memory_bytes: what this machine or container may use.
        wal_compression: the best that these binaries offer, ``lz4`` or ``on``.

    """
    shared_buffers = max(SHARED_BUFFERS_MIN_BYTES, min(SHARED_BUFFERS_MAX_BYTES, memory_bytes // 4))
    return {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(socket_folder),
        "max_connections": "100",
        # Measured: a random index costs 0.62 of the append rate on stock settings, 0.40 on these.
        "shared_buffers": f"{shared_buffers // MEGABYTE}MB",
        "max_wal_size": "8GB",
        "wal_compression": wal_compression,
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "effective_cache_size": f"{memory_bytes // 2 // MEGABYTE}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "256MB",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "32",
        "jit": "off",  # compiling costs more than any of our queries saves
        # What was acknowledged survives a power cut.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        # No personal data in logs: neither statements nor the values in an error's detail.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
    }


def render(settings: dict[str, str]) -> str:
    """The settings as the text of a configuration file."""
    lines = ["# Written by Vínculo at each start: changes belong into ALTER SYSTEM."]
    for name, value in settings.items():
        quoted = value.replace("\\", "\\\\").replace("'", "''")
        lines.append(f"{name} = '{quoted}'")
    return "\n".join(lines) + "\n"


def available_memory_bytes() -> int:
    """What this machine or its container may use, in bytes."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [int(text) for path in CGROUP_LIMITS if (text := _read(path)).isdigit()]
    return min([physical, *limits])


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
