"""An Asterisk as the package leaves it, and its machine, for documents that begin there."""

from pathlib import Path

from tests.asterisk.box import SHIPPED, Box
from tests.asterisk.fetch import Programs
from tests.asterisk.ports import free_tcp_port, free_udp_port

_MANAGER = """\
[general]
enabled = no
port = {port}
bindaddr = 127.0.0.1
"""
_EXTENSIONS = """\
[general]
static = yes

[globals]
CONSOLE=Console/dsp

[default]
exten => s,1,Hangup()
"""


class FreshBox(Box):
    """Nothing of ours in its configuration, and the manager interface off."""

    def __init__(self, programs: Programs, folder: Path, *, system_name: str = "") -> None:
        self.ami_port = free_tcp_port()
        unused = str(free_udp_port())
        values = {
            "@SIP_PORT@": unused,
            "@TRUNK_A_PORT@": unused,
            "@TRUNK_B_PORT@": unused,
            "load = func_uri.so": "load = func_uri.so\nload = func_db.so",
            "[options]": f"[options]\nsystemname = {system_name}" if system_name else "[options]",
        }
        super().__init__(programs, folder, values)
        self.etc = folder / "etc"
        self._unpacked = programs

    def stand_ins(self, installed: Path) -> dict[str, str]:
        """Programs by name, as scripts: Asterisk is unpacked, not installed, and has no user of its own.

        What `apt` is asked to do is added to the file `installed`.
        """
        asterisk = " ".join(self._unpacked.command("usr/sbin/asterisk"))
        return {
            "sudo": '#!/bin/sh\nexec "$@"\n',
            "apt": f'#!/bin/sh\necho "$@" >> {installed}\n',
            "asterisk": f'#!/bin/sh\nexec {asterisk} -C {self.etc}/asterisk.conf "$@"\n',
            "chown": "#!/bin/sh\n",
            "install": '#!/bin/sh\nfor last; do from=$to; to=$last; done\nexec cp "$from" "$to"\n',
        }

    def add_gateway(self, secret: str, agi: str, dialplan: str = "") -> None:
        """What docs/how-to/plain-asterisk.md has an administrator do; `dialplan` is the one of his own."""
        user = (SHIPPED / "manager_gateway.conf").read_text().replace("CHANGE-ME", secret)
        (self.etc / "manager_gateway.conf").write_text(user)
        manager = (self.etc / "manager.conf").read_text().replace("= no", "= yes")
        (self.etc / "manager.conf").write_text(f"{manager}#include manager_gateway.conf\n")
        subroutine = (SHIPPED / "extensions_gateway.conf").read_text().replace("agi://127.0.0.1:4573", agi)
        (self.etc / "extensions.conf").write_text(f"{_EXTENSIONS}\n{subroutine}\n{dialplan}")
        self.cli("manager reload")
        self.cli("dialplan reload")

    def _configure(self) -> None:
        super()._configure()
        for path in {*self.etc.glob("*gateway*.conf"), *self.etc.glob("extensions*.conf")}:
            path.unlink()
        (self.etc / "extensions.conf").write_text(_EXTENSIONS)
        (self.etc / "manager.conf").write_text(_MANAGER.format(port=self.ami_port))
