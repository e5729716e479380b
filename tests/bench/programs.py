"""The programs that are compared, and how each of them is told what to do."""

import dataclasses
import pathlib

import harness
import official


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    path: str
    dialect: str  # how its configuration is written: ini, yaml-0.5, yaml-0.3

    def config_of(self, databases, interval_ms=None):
        """The configuration for {database: replica directory}."""
        if self.dialect == "ini":
            lines = []
            for number, (db, replica) in enumerate(databases.items()):
                lines += [f"[database db{number}]", f"path = {db}", f"replica = file://{replica}"]
                lines += [f"sync-interval = {interval_ms}ms"] if interval_ms else []
            return "\n".join(lines) + "\n"
        lines = ["dbs:"]
        for db, replica in databases.items():
            lines.append(f"  - path: {db}")
            lines += [f"    monitor-interval: {interval_ms}ms"] if interval_ms else []
            if self.dialect == "yaml-0.5":
                lines += ["    replica:", "      type: file", f"      path: {replica}"]
                lines += [f"      sync-interval: {interval_ms}ms"] if interval_ms else []
            else:
                lines += ["    replicas:", "      - type: file", f"        path: {replica}"]
                lines += [f"        sync-interval: {interval_ms}ms"] if interval_ms else []
        return "\n".join(lines) + "\n"

    def replicate(self, databases, work, interval_ms=None):
        """Starts it for {database: replica directory}: by arguments for one with default settings, else by a configuration file."""
        log = pathlib.Path(work) / f"{self.name}.log"
        if len(databases) == 1 and interval_ms is None:
            [(db, replica)] = databases.items()
            return harness.Replicator([self.path, "replicate", db, harness.url_of(replica)], log)
        config = pathlib.Path(work) / f"{self.name}.{'ini' if self.dialect == 'ini' else 'yml'}"
        config.write_text(self.config_of(databases, interval_ms))
        return harness.Replicator([self.path, "replicate", "-config", config], log)

    def restore_command(self, replica, out):
        return [self.path, "restore", "-o", str(out), harness.url_of(replica)]


def program(name):
    """ours, 0.5.17 or 0.3.13."""
    if name == "ours":
        return Program("ours", harness.PROGRAM, "ini")
    return Program(f"v{name}", official.get(name), "yaml-0.5" if name.startswith("0.5") else "yaml-0.3")
