"""A real Apache Kafka broker (KRaft, broker and controller in one), without Docker.

Its jars come to .broker/libs by `make broker`. TRAPS: no mock cluster stands in for it.
"""

import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from vinculo.postgres.child import start_child

BROKER_LIBS = Path(__file__).parents[2] / ".broker" / "libs"
JAVA_OLDEST = 17
HEAP_MEGABYTES = 512
START_SECONDS = 90.0
STOP_SECONDS = 30.0
CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
# After a kill the same broker is let in again once its old session has ended.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=400
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Records carry the times of simulated or historic business: none is too old to keep.
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
"""


def why_no_broker() -> str | None:
    """Why no broker can be started on this machine, or None if one can."""
    java = shutil.which("java")
    if java is None:
        return "Java is missing: install a Java runtime of version 17 or later"
    printed = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', printed)
    if version is None or int(version[1]) < JAVA_OLDEST:
        return f"Java {JAVA_OLDEST} or later is needed, found: {printed.splitlines()[:1]}"
    if not any(BROKER_LIBS.glob("kafka_*.jar")):
        return f"no Kafka in {BROKER_LIBS.name}: run make broker (it needs Maven)"
    return None


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


class KafkaBroker:
    """One broker that can be stopped, killed and started again on the same data and port.

    Args:
        folder: its configuration, data and log; made when missing.
        port: where it listens on 127.0.0.1; a free one by default.

    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        chosen, self._controller_port = free_ports(2)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or chosen

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    @property
    def process_id(self) -> int | None:
        """The number of its process while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> str:
        """Start it and wait until it answers.

        Returns:
            The bootstrap servers.

        Raises:
            RuntimeError: it ended, or did not answer in time.

        """
        if self._process is None:
            if not (self._folder / "data" / "meta.properties").exists():
                self._format()
            with self._log.open("ab") as output:
                self._process = start_child(
                    [*self._java(), "kafka.Kafka", str(self._properties)],
                    output=output,
                    environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                    folder=self._folder,
                )
            try:
                self._wait_until_ready(self._process)
            except BaseException:
                self.kill()
                raise
        return self.bootstrap_servers

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End it at once, as a power cut of the process would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    @property
    def _log(self) -> Path:
        return self._folder / "broker.log"

    def _java(self) -> list[str]:
        return [
            str(shutil.which("java")),
            *(
                "-Xms128m",
                f"-Xmx{HEAP_MEGABYTES}m",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            ),
            *("-cp", f"{BROKER_LIBS}/*"),
        ]

    def _format(self) -> None:
        """Write the configuration and the empty storage."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(
            PROPERTIES.format(
                port=self.port, controller_port=self._controller_port, data=self._folder / "data"
            )
        )
        result = subprocess.run(
            [
                *(*self._java(), "kafka.tools.StorageTool", "format"),
                *("-t", CLUSTER_ID, "-c", str(self._properties)),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        if result.returncode != 0:
            message = f"expected an empty storage, found: {result.stdout}{result.stderr}"
            raise RuntimeError(message)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > give_up_at:
                said = self._log.read_text(errors="replace")[-2000:]
                message = f"expected a broker on {self.bootstrap_servers}, it said:\n{said}"
                raise RuntimeError(message)
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            client = KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        except (OSError, KafkaError):
            return False
        try:
            return bool(client.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            client.close()


class Topics:
    """Makes topics of their own for tests and benchmarks.

    Args:
        bootstrap_servers: the broker.

    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._made: list[str] = []

    def __call__(self, partitions: int = 1, name: str | None = None) -> str:
        """Make a topic and give its name, a new one by default."""
        name = name or f"test-{uuid.uuid4().hex[:12]}"
        options = {"num_partitions": partitions, "replication_factor": 1}
        with self._client() as client:
            client.create_topics({name: options}, wait_for_metadata=True)
        self._made.append(name)
        return name

    def delete(self, name: str) -> None:
        """Delete a topic now."""
        with self._client() as client:
            client.delete_topics([name])
        self._made = [made for made in self._made if made != name]

    def close(self) -> None:
        """Delete what was made, if the broker still answers."""
        if self._made:
            try:
                with self._client() as client:
                    client.delete_topics(self._made, raise_errors=False)
            except KafkaError:
                return

    @contextmanager
    def _client(self) -> Iterator[KafkaAdminClient]:
        client = KafkaAdminClient(bootstrap_servers=self._bootstrap_servers)
        try:
            yield client
        finally:
            client.close()
