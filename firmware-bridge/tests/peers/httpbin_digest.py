"""A device whose digest authentication is httpbin's: `httpbin_digest.py ALGORITHM USER PASSWORD`. Says its port; every path answers
with a clock to who proves the password, in httpbin's eyes."""
import sys

from flask import Flask, request
from httpbin.helpers import check_digest_auth, digest_challenge_response
from werkzeug.serving import make_server

ALGORITHM, USER, PASSWORD = sys.argv[1:4]
app = Flask(__name__)


@app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT"])
@app.route("/<path:path>", methods=["GET", "POST", "PUT"])
def answer(path):
    if "Authorization" not in request.headers or not check_digest_auth(USER, PASSWORD):
        return digest_challenge_response(app, "auth", ALGORITHM)
    if request.path != "/ISAPI/System/time":
        return "nothing here", 404
    return "<Time><timeMode>manual</timeMode><localTime>2026-09-16T08:20:00+08:00</localTime></Time>"


server = make_server("127.0.0.1", 0, app)
print(server.server_port, flush=True)
server.serve_forever()
