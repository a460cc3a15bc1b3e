"""The servers that clients are run against: a PostgreSQL and a Skein with the same rows.

A *plain* server trusts everybody. A *secured* one wants TLS and a password (SCRAM-SHA-256) of the user
`ann`, and presents a certificate that can be exchanged while it runs. Nothing listens but on loopback.
"""

import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PASSWORD = "pencil"
START_SECONDS = 60
STOP_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Certificates:
    """An authority and what it has signed, and another authority that nobody believes."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.ca, self.foreign = self.authority("ca"), self.authority("foreign")
        self.sign("valid", "localhost", 30)
        self.sign("expired", "localhost", -1)
        self.sign("elsewhere", "elsewhere.example", 30)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-days", "30", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")
        return self.folder / f"{name}.crt"

    def sign(self, name, host, days):
        extension = self.folder / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{host}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", str(days), "-extfile", extension.name, "-out", f"{name}.crt")


class Server:
    """One process, which can be started anew on the same port."""

    name = ""
    # How an administrator stops it: sessions hear of it, statements are not waited for.
    stop_signal = signal.SIGINT

    def __init__(self, folder, certificates=None):
        self.folder, self.certificates, self.port, self.process = folder, certificates, free_port(), None
        self.log = folder / f"{self.name}.log"

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command(), stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended with {self.process.returncode}: {self.log.read_text()[-600:]}")
            if self.answers():
                return
            time.sleep(0.05)
        sys.exit(f"{self.name} does not listen")

    def answers(self):
        """Whether it takes logins: while PostgreSQL starts it listens, but turns clients away."""
        question = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "5"]
        return subprocess.run(question).returncode == 0

    def stop(self):
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def present(self, name):
        """Shows clients another certificate, without a restart."""
        self.place(name)
        self.process.send_signal(signal.SIGHUP)
        wanted = ssl.PEM_cert_to_DER_cert((self.certificates.folder / f"{name}.crt").read_text())
        deadline = time.monotonic() + START_SECONDS
        while self.presented() != wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not present its certificate")
            time.sleep(0.05)

    def place(self, name):
        for kind, mode in (("key", 0o600), ("crt", 0o644)):
            new, path = self.folder / f"{self.name}.{kind}.new", self.folder / f"{self.name}.{kind}"
            shutil.copy(self.certificates.folder / f"{name}.{kind}", new)
            new.chmod(mode)
            self.own(new)
            new.replace(path)

    def own(self, path):
        """Makes a file one that the server's user may read."""

    def presented(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as stream:
                stream.sendall(struct.pack("!II", 8, 80877103))
                stream.recv(1)
                with context.wrap_socket(stream) as encrypted:
                    return encrypted.getpeercert(binary_form=True)
        except OSError:
            return None


class Postgres(Server):
    name = "postgres"

    def __init__(self, folder, python, certificates=None):
        super().__init__(folder, certificates)
        self.programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.user = []
        if os.getuid() == 0:
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
            shutil.chown(folder, "postgres", "postgres")
        self.cluster = folder / "cluster"
        subprocess.run(
            [*self.user, self.programs / "initdb", "--username=skein", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--lc-ctype=C.UTF-8", "--no-sync", "--pgdata", self.cluster],
            check=True, stdout=subprocess.DEVNULL,
        )
        if certificates:
            (self.cluster / "pg_hba.conf").write_text(
                "host all skein 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
            self.place("valid")
        self.start()
        environment = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER="skein", PGDATABASE="postgres")
        subprocess.run([python, HERE / "python" / "load.py", folder.parent / "data"], check=True, env=environment)
        if certificates:
            statement = f"CREATE ROLE ann LOGIN PASSWORD '{PASSWORD}'; GRANT pg_read_all_data TO ann"
            subprocess.run(["psql", "-qX", "-d", "shop", "-c", statement], check=True, env=environment)

    def command(self):
        command = [*self.user, self.programs / "postgres", "-D", self.cluster, "-h", "127.0.0.1",
                   "-p", str(self.port), "-k", "", "-c", "fsync=off", "-c", "timezone=UTC", "-c", "max_connections=200"]
        if self.certificates:
            command += ["-c", "ssl=on", "-c", f"ssl_cert_file={self.folder / 'postgres.crt'}",
                        "-c", f"ssl_key_file={self.folder / 'postgres.key'}"]
        return command

    def own(self, path):
        if self.user:
            shutil.chown(path, "postgres", "postgres")


class Skein(Server):
    name = "skein"

    def __init__(self, folder, program, certificates=None):
        super().__init__(folder, certificates)
        self.program = program
        # The paths of relations are relative to the configuration.
        self.configuration = folder.parent / "data" / f"{folder.name}.toml"
        text = (folder.parent / "data" / "skein.toml").read_text()
        if certificates:
            self.place("valid")
            verifier = subprocess.run([program, "hash-password"], input=f"{PASSWORD}\n", text=True, check=True,
                                      capture_output=True).stdout.strip()
            text = (f'[gateway]\ndatabases = ["shop"]\n[gateway.tls]\ncertificate = "{folder}/skein.crt"\n'
                    f'key = "{folder}/skein.key"\nrequired = true\n{text}\n'
                    f'[[user]]\nname = "ann"\nverifier = "{verifier}"\n')
        self.configuration.write_text(text)
        self.start()

    def command(self):
        return [self.program, "serve", "--config", self.configuration, "--listen", f"127.0.0.1:{self.port}"]
