# SPDX-License-Identifier: Apache-2.0
"""A private Tomcat: a CATALINA_BASE of its own, a small heap, own ports, the manager application inside."""

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from certwright.servers.process import find_program
from certwright.servers.webserver import WebServer

_HOME = Path("/usr/share/tomcat10")
_MANAGER = Path("/usr/share/tomcat10-admin/manager")
_FAST = ["-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_MAIN = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Connectors, hosts & "quotes" that stay as they are: <Connector port="1"/> -->
<Server port="-1">
  <GlobalNamingResources>
    <Resource name="UserDatabase" auth="Container" type="org.apache.catalina.UserDatabase"
              factory="org.apache.catalina.users.MemoryUserDatabaseFactory" pathname="conf/tomcat-users.xml"/>
  </GlobalNamingResources>
  <Service name="Catalina">
    <Connector port="{port}" address="127.0.0.1" protocol="HTTP/1.1" maxThreads="6" minSpareThreads="1"/>
    <Connector port="{tls_port}" address="127.0.0.1" protocol="org.apache.coyote.http11.Http11NioProtocol"
               SSLEnabled="true" maxThreads="6" minSpareThreads="1" defaultSSLHostConfigName="{default}">
{hosts}
    </Connector>
    <Engine name="Catalina" defaultHost="localhost">
      <Realm className="org.apache.catalina.realm.UserDatabaseRealm" resourceName="UserDatabase"/>
      <Host name="localhost" appBase="none" autoDeploy="false">
        <Context path="/manager" docBase="{manager}" privileged="true"/>
      </Host>
      <Host name="www.example.test" appBase="webapps" autoDeploy="false">
        <Alias>example.test</Alias>
      </Host>
    </Engine>
  </Service>
</Server>
"""
_WEB = """<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet><servlet-name>default</servlet-name>
    <servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class></servlet>
  <servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>
"""


class Tomcat(WebServer):
    user, password = "agent", "a secret: of the manager"

    @property
    def config(self):
        return self.folder / "conf" / "server.xml"

    @property
    def certificates(self):
        return self.folder / "conf"

    @property
    def password_file(self):
        return self.folder / "manager.password"

    def prepare(self, *, port, tls_port, default, hosts):
        if find_program("java") is None or not _HOME.exists() or not _MANAGER.exists():
            raise LookupError("Tomcat is not installed: run tests/setup-servers --tests")
        super().prepare()
        self.port, self.tls_port = port, tls_port
        for name in ("conf", "temp", "work", "webapps/ROOT", "none"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        lines = "\n".join("      " + host for host in hosts)
        self.config.write_text(
            _MAIN.format(port=port, tls_port=tls_port, default=default, hosts=lines, manager=_MANAGER)
        )
        (self.folder / "conf" / "web.xml").write_text(_WEB)
        # Neither JSP nor WebSocket: looking for them takes most of a start.
        (self.folder / "conf" / "context.xml").write_text('<Context containerSciFilter="jasper|websocket"/>')
        (self.folder / "conf" / "tomcat-users.xml").write_text(
            f'<tomcat-users><user username="{self.user}" password="{self.password}" roles="manager-script"/>'
            "</tomcat-users>"
        )
        self.password_file.write_text(self.password + "\n")
        self.password_file.chmod(0o600)

    def start(self):
        class_path = ":".join(str(_HOME / "bin" / name) for name in ("bootstrap.jar", "tomcat-juli.jar"))
        properties = {"catalina.base": self.folder, "catalina.home": _HOME, "java.io.tmpdir": self.folder / "temp"}
        argv = [str(find_program("java")), *_FAST, *(f"-D{name}={value}" for name, value in properties.items())]
        argv += ["-cp", class_path, "org.apache.catalina.startup.Bootstrap", "start"]
        log = self.folder / "logs" / "start.log"
        with log.open("ab") as stream:
            self.process = subprocess.Popen(argv, stdout=stream, stderr=stream, start_new_session=True)
        deadline = time.monotonic() + 90
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Tomcat did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)

    def _answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/manager/text/serverinfo", timeout=5):
                return True
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code == 401
        except OSError:
            return False

    def agent_entry(self, tls_port=443):
        return {
            "kind": "tomcat",
            "config": str(self.config),
            "root": str(self.folder),
            "home": str(_HOME),
            "manager_url": f"http://127.0.0.1:{self.port}/manager/text",
            "manager_user": self.user,
            "manager_password_file": str(self.password_file),
        }
