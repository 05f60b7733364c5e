"""Calls an endpoint with the vendor's own client: one JSON object a line in, one a line out.

The endpoint's host and port are the only argument. A line {"service", "action", "request", "keys"} is performed;
without "keys" the request is only compared with the vendor's model of it. The reply has

  "answer"    the answer as the vendor's model has it, under the names on the wire;
  "error"     {"status", "code", "message"} in place of the answer, or {"model": …} when the vendor's model of the
              request refuses it;
  "problems"  fields of request and answer that the vendor's models do not have, or have with another type.
"""

import json
import re
import sys
from importlib.metadata import requires, version

import volcenginesdkcore
import volcenginesdkid
import volcenginesdksts
from dateutil.parser import isoparse
from volcenginesdkcore.interceptor.interceptors.build_request_interceptor import sanitize_for_serialization
from volcenginesdkcore.interceptor.interceptors.deserialized_response_interceptor import (
    DeserializedResponseInterceptor,
)
from volcenginesdkcore.rest import ApiException

PACKAGES = {"id": (volcenginesdkid, volcenginesdkid.IDApi), "sts": (volcenginesdksts, volcenginesdksts.STSApi)}
NATIVE = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def named(owner, name):
    """The member of that name, whatever its letter case and underscores."""
    plain = name.lower()
    matches = [member for member in dir(owner) if member.replace("_", "").lower() == plain]
    if len(matches) != 1:
        raise LookupError("%s has %d members like %s" % (owner, len(matches), name))
    return getattr(owner, matches[0])


def compare(package, value, expected, path, form=False):
    """Yields in what a JSON value is not of the expected type of the vendor's model."""
    if value is None or expected == "object":
        return
    listed = isinstance(expected, str) and re.match(r"list\[(.*)\]$", expected)
    mapped = isinstance(expected, str) and re.match(r"dict\([^,]*, (.*)\)$", expected)
    if listed:
        if not isinstance(value, list):
            yield "%s is not a list" % path
            return
        for number, item in enumerate(value):
            yield from compare(package, item, listed[1], "%s[%d]" % (path, number), form)
    elif mapped:
        if not isinstance(value, dict):
            yield "%s is not a map" % path
            return
        for name, item in value.items():
            yield from compare(package, item, mapped[1], "%s.%s" % (path, name), form)
    elif expected in NATIVE:
        of_form = form and isinstance(value, str) and (expected == "str" or re.match(r"\d+$", value))
        is_bool = isinstance(value, bool)
        if not of_form and (not isinstance(value, NATIVE[expected]) or is_bool != (expected == "bool")):
            yield "%s is not of type %s" % (path, expected)
    elif expected in ("date", "datetime"):
        try:
            isoparse(value)
        except (TypeError, ValueError):
            yield "%s is not a %s" % (path, expected)
    else:
        model = getattr(package.models, expected) if isinstance(expected, str) else expected
        if not isinstance(value, dict):
            yield "%s is not an object" % path
            return
        attributes = {wire: name for name, wire in model.attribute_map.items()}
        for name, item in value.items():
            if name in attributes:
                kind = model.swagger_types[attributes[name]]
                yield from compare(package, item, kind, "%s.%s" % (path, name), form)
            else:
                yield "%s.%s is not in %s" % (path, name, model.__name__)


class Reply:
    """The vendor's deserialiser reads an object that has its text in `data`."""

    def __init__(self, result):
        self.data = json.dumps({"ResponseMetadata": {}, "Result": result})


def client(endpoint, keys):
    configuration = volcenginesdkcore.Configuration()
    configuration.host, configuration.scheme = endpoint, "http"
    configuration.region = "cn-beijing"
    configuration.ak, configuration.sk = keys["ak"], keys["sk"]
    configuration.session_token = keys.get("token") or ""
    configuration.auto_retry = False
    return volcenginesdkcore.ApiClient(configuration)


def failure(error):
    if error.body is None:
        return {"status": error.status, "code": "", "message": str(error.reason)}
    metadata = json.loads(error.body)["ResponseMetadata"]
    details = metadata["Error"]
    return {"status": error.status, "code": details["Code"], "message": details["Message"]}


def perform(endpoint, line):
    package, api = PACKAGES[line["service"]]
    action, request = line["action"], line["request"]
    model = named(package, action + "Request")
    problems = list(compare(package, request, model, "request", line.get("form", False)))
    if "keys" not in line:
        return {"problems": problems}
    try:
        read = DeserializedResponseInterceptor().deserialize(Reply(request), model.__name__, package.__name__)
    except ValueError as error:
        return {"error": {"model": str(error)}, "problems": problems}
    connection = client(endpoint, line["keys"])
    try:
        answer = named(api(connection), action)(read)
    except ApiException as error:
        return {"error": failure(error), "problems": problems}
    result = json.loads(connection.last_response.data)["Result"]
    response = named(package, action + "Response")
    problems += compare(package, result, response, "answer")
    return {"answer": sanitize_for_serialization(answer), "problems": problems}


def check_parts():
    """What is installed is what volcengine-python-sdk consists of."""
    parts = [requirement.split(";")[0].strip() for requirement in requires("volcengine-python-sdk")]
    for name in ("volcenginesdk-core", "volcenginesdk-id", "volcenginesdk-sts"):
        if "%s==%s" % (name, version(name)) not in parts:
            raise LookupError("volcengine-python-sdk has another %s" % name)


check_parts()
for text in sys.stdin:
    print(json.dumps(perform(sys.argv[1], json.loads(text))), flush=True)
