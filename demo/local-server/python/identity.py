"""Asks the identity socket who this is. Python 3, standard library only.

    python3 identity.py [SOCKET]
"""

import http.client
import json
import os
import socket
import sys

DEFAULT_SOCKET = os.path.expanduser("~/.openclaw/plugins/identity/identity.sock")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket: everything but the connecting is the library's."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target, body=None):
    connection = UnixConnection(path)
    try:
        connection.request(method, target, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (FileNotFoundError, ConnectionRefusedError):
        sys.exit(f"no identity server at {path}; start it with: agent-identity serve")
    finally:
        connection.close()
    if response.status == 403:
        sys.exit('the identity server refuses this program; add "python3*" to identity.localServerAllowlist')
    if response.status != 200:
        error = answer["error"]
        sys.exit(f"{target}: {error['message']}; {error.get('hint', '')}")
    return answer


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_SOCKET
    token = ask(path, "GET", "/token")  # token["token"] goes into a request as "Authorization: Bearer …"
    print(f"token: {token['sub']} until {token['expiresAt']}")
    session = ask(path, "GET", "/session")
    print(f"session: {session['sub']} until {session['expiresAt']}")
    tools = ask(path, "GET", "/tools")["tools"]
    print(f"tools: {len(tools)}, first {tools[0]['name']}")
    who = ask(path, "POST", "/tool/identity_whoami", {"params": {}, "session": ""})["result"]
    print(f"identity_whoami: {who['sub']}")


if __name__ == "__main__":
    main()
