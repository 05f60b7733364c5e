"""Signs requests with the vendor's own signer under a standing clock.

Standard input is {"date", "requests"}; standard output is the list of the headers that each request is to be sent with.
"""

import datetime
import json
import sys
import types

from volcenginesdkcore import signv4

work = json.load(sys.stdin)


class Standing(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return cls.strptime(work["date"], "%Y%m%dT%H%M%SZ")


signv4.datetime = types.SimpleNamespace(datetime=Standing)


def sign(request):
    headers = dict(request["headers"], Host=request["host"])
    signv4.SignerV4.sign(
        request["path"],
        request["method"],
        headers,
        request["body"],
        None,
        request["query"],
        request["ak"],
        request["sk"],
        request["region"],
        request["service"],
        request["token"],
    )
    return headers


json.dump([sign(request) for request in work["requests"]], sys.stdout)
