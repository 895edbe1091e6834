"""An OSDP device on libosdp: what it is to say comes in as JSON lines, what it is told goes out as JSON lines.

Arguments: `tcp PORT` or `pty LINK`, then the address, then the key in hex, `install` for install mode, or `plain`.
"""

import json
import os
import select
import socket
import sys
import threading
import tty

import osdp


class Pty(osdp.Channel):
    """The master of a new pseudo-terminal; whoever opens the link has its slave."""

    def __init__(self, link):
        super().__init__()
        self.master, slave = os.openpty()
        tty.setraw(slave)
        if os.path.islink(link):
            os.unlink(link)
        os.symlink(os.ttyname(slave), link)

    def read(self, max_bytes):
        readable, _, _ = select.select([self.master], [], [], 0)
        return os.read(self.master, max_bytes) if readable else b""

    def write(self, buf):
        return os.write(self.master, buf)

    def flush(self):
        pass


class Tcp(osdp.Channel):
    """One panel at a time; the next one is taken when the last one has gone."""

    def __init__(self, port):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.listener.setblocking(False)
        self.peer = None

    def read(self, max_bytes):
        if self.peer is None:
            try:
                self.peer, _ = self.listener.accept()
                self.peer.setblocking(False)
            except BlockingIOError:
                return b""
        try:
            data = self.peer.recv(max_bytes)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.peer.close()
            self.peer = None
        return data

    def write(self, buf):
        try:
            return self.peer.send(buf) if self.peer else len(buf)
        except OSError:
            return len(buf)

    def flush(self):
        pass


def say(what):
    print(json.dumps(what, default=lambda value: value.hex()), flush=True)


def event(what):
    kind = what.pop("event")
    if kind == "card":
        return {"event": osdp.Event.CardRead, "reader_no": 0, "direction": 0, "format": osdp.CardFormat.Wiegand,
                "length": what["bits"], "data": bytes.fromhex(what["data"])}
    if kind == "keys":
        return {"event": osdp.Event.KeyPress, "reader_no": 0, "data": what["keys"].encode()}
    return {"event": osdp.Event.Status, "type": osdp.StatusReportType.Local, "report": bytes([what["tamper"], what["power"]])}


def main():
    kind, place, address, key = sys.argv[1:]
    channel = Tcp(int(place)) if kind == "tcp" else Pty(place)
    flags = [osdp.LibFlag.InstallMode] if key == "install" else []
    scbk = None if key in ("install", "plain") else bytes.fromhex(key)
    capability = osdp.Capability
    able = [(capability.LEDControl, 1, 1), (capability.AudibleControl, 1, 1), (capability.TextOutput, 1, 1),
            (capability.CommunicationSecurity, 1, 1), (capability.CheckCharacter, 1, 0)]
    names = {osdp.Command.LED: "led", osdp.Command.Buzzer: "buzzer", osdp.Command.Text: "text", osdp.Command.Keyset: "key"}

    def told(command):
        say({"told": names.get(command["command"], str(command["command"])), **command})
        return 0, None

    device = osdp.PeripheralDevice(osdp.PDInfo(int(address), channel, scbk=scbk, flags=flags),
                                   osdp.PDCapabilities(able), log_level=osdp.LogLevel.Critical, command_handler=told)
    device.start()
    port = channel.listener.getsockname()[1] if kind == "tcp" else 0
    say({"ready": port})
    for line in sys.stdin:
        device.submit_event(event(json.loads(line)))
    os._exit(0)


threading.excepthook = lambda args: os._exit(3)
main()
