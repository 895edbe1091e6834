"""What pyzk sees of a terminal: python pyzk_client.py HOST PORT KEY tcp|udp. Prints one JSON object."""

import json
import sys
from datetime import datetime

from zk import ZK

host, port, key, transport = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
terminal = ZK(host, port=port, timeout=10, password=key, force_udp=transport == "udp", ommit_ping=True)
connection = terminal.connect()
connection.disable_device()
seen = {
    "serial": connection.get_serialnumber(),
    "firmware": connection.get_firmware_version(),
    "users": [[user.uid, user.user_id, user.name] for user in connection.get_users()],
    "records": [
        [record.user_id, str(record.timestamp), record.status, record.punch] for record in connection.get_attendance()
    ],
}
connection.set_time(datetime(2026, 9, 16, 8, 30, 0))
seen["time"] = str(connection.get_time())
connection.enable_device()
for event in connection.live_capture(new_timeout=10):
    seen["event"] = event and [event.user_id, event.status, event.punch]
    break
connection.disconnect()
print(json.dumps(seen))
