#!/usr/bin/env python3
"""Writes jwks.json and tokens.json beside itself, with fresh keys. Needs the package "cryptography" (independent of the
library under test). Each case says what every stage answers: "ok", or words that the error's message contains."""
import base64, hashlib, hmac, json, pathlib
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HERE = pathlib.Path(__file__).parent
NOW, ISS, CLIENT, NONCE = 1768464000, "https://pool.example.com", "client-1", "nonce-1"
rs, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
small = rsa.generate_private_key(65537, 1024)
es, ed = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key, **more):
    public = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(public.n), "e": number(public.e), **more}


point = es.public_key().public_numbers()
ed_raw = ed.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
jwks = {"keys": [
    rsa_jwk(rs, kid="rsa", use="sig"),
    rsa_jwk(other, kid="rsa-ps-only", use="sig", alg="PS256"),
    rsa_jwk(other, kid="rsa-enc", use="enc"),
    rsa_jwk(small, kid="rsa-1024", use="sig"),
    {"kty": "EC", "crv": "P-256", "x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big")), "kid": "ec"},
    {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "ec-521"},
    {"kty": "OKP", "crv": "Ed25519", "x": b64(ed_raw), "kid": "ed", "alg": "EdDSA"},
    {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
    {"kty": "RSA", "kid": "broken"}, "not an object",
]}

PSS = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)


def ecdsa(message):
    r, s = decode_dss_signature(es.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


SIGN = {
    "rsa": lambda m: rs.sign(m, padding.PKCS1v15(), hashes.SHA256()),
    "pss": lambda m: rs.sign(m, PSS, hashes.SHA256()),
    "other": lambda m: other.sign(m, padding.PKCS1v15(), hashes.SHA256()),
    "small": lambda m: small.sign(m, padding.PKCS1v15(), hashes.SHA256()),
    "ec": ecdsa,
    "ec-der": lambda m: es.sign(m, ec.ECDSA(hashes.SHA256())),
    "ed": ed.sign,
    "empty": lambda m: b"",
    "hmac": lambda m: hmac.new(rs.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo), m, hashlib.sha256).digest(),
}
BASE = {"iss": ISS, "sub": "u-1", "aud": CLIENT, "exp": NOW + 3600, "iat": NOW, "nonce": NONCE}


def token(alg="RS256", sign="rsa", kid="rsa", payload=None, header=None):
    header = {"alg": alg, **({"kid": kid} if kid else {}), **(header or {})}
    payload = payload if isinstance(payload, str) else json.dumps({**BASE, **(payload or {})})
    signed = b64(json.dumps(header).encode()) + "." + b64(payload.encode())
    return signed + "." + b64(SIGN[sign](signed.encode()))


def without(name):
    return json.dumps({k: v for k, v in BASE.items() if k != name})


cases = []


def case(name, text, decode="ok", signature="ok", id_token="ok"):
    if decode != "ok":
        signature = id_token = None
    elif signature != "ok":
        id_token = None
    cases.append({"name": name, "token": text, "decode": decode, "signature": signature, "id_token": id_token})


good = token()
head, body, sig = good.split(".")
case("RS256", good)
case("PS256", token("PS256", "pss"))
case("ES256", token("ES256", "ec", "ec"))
case("EdDSA", token("EdDSA", "ed", "ed"))
case("ES256 without kid, one fitting key", token("ES256", "ec", None))
case("RS256 without kid, one fitting key", token("RS256", "rsa", None))
case("PS256 without kid, two fitting keys", token("PS256", "pss", None), signature="no key")
case("whole floats as dates", token(payload={"exp": float(NOW + 3600), "iat": float(NOW)}))
case("audience list with azp", token(payload={"aud": ["x", CLIENT], "azp": CLIENT}))
case("expired less than the leeway ago", token(payload={"exp": NOW - 29, "iat": NOW - 3600}))
case("other nonce", token(payload={"nonce": "other"}), id_token="nonce")
case("nonce absent", token(payload=without("nonce")), id_token="nonce")
case("expired", token(payload={"exp": NOW - 30, "iat": NOW - 3600}), id_token="expired")
case("expires before it was issued", token(payload={"exp": NOW + 10, "iat": NOW + 10}), id_token="before it was issued")
case("not valid yet", token(payload={"nbf": NOW + 31}), id_token="not valid yet")
case("issued far in the future", token(payload={"iat": NOW + 301}), id_token="in the future")
case("no expiry", token(payload=without("exp")), id_token="exp")
case("no issue date", token(payload=without("iat")), id_token="iat")
case("other issuer", token(payload={"iss": "https://evil.example.com"}), id_token="issuer")
case("issuer with a slash more", token(payload={"iss": ISS + "/"}), id_token="issuer")
case("no issuer", token(payload=without("iss")), id_token="issuer")
case("other audience", token(payload={"aud": "client-2"}), id_token="audience")
case("no audience", token(payload=without("aud")), id_token="audience")
case("audience list without azp", token(payload={"aud": ["x", CLIENT]}), id_token="authorized party")
case("other azp", token(payload={"azp": "client-2"}), id_token="authorized party")
case("no sub", token(payload=without("sub")), id_token="subject")
case("empty sub", token(payload={"sub": ""}), id_token="subject")
case("sub with a line break", token(payload={"sub": "a\nb"}), id_token="subject")
case("sub of 256 bytes", token(payload={"sub": "s" * 256}), id_token="subject")
case("sub of 255 bytes", token(payload={"sub": "s" * 255}))
case("signed by another key", token(sign="other"), signature="wrong signature")
case("payload changed", head + "." + b64(json.dumps({**BASE, "sub": "admin"}).encode()) + "." + sig, signature="wrong signature")
case("signature of zero bytes", token(sign="empty"), signature="wrong signature")
case("last signature byte cut", good[:-2], signature="wrong signature")
case("PSS signature under RS256", token("RS256", "pss"), signature="wrong signature")
case("RS256 with a key for PS256 only", token("RS256", "other", "rsa-ps-only"), signature="no key")
case("RS256 with an encryption key", token("RS256", "other", "rsa-enc"), signature="no key")
case("RS256 with a short key", token("RS256", "small", "rsa-1024"), signature="no key")
case("ES256 header, RSA key", token("ES256", "rsa", "rsa"), signature="no key")
case("EdDSA header, EC key", token("EdDSA", "ec", "ec"), signature="no key")
case("ES256 in DER form", token("ES256", "ec-der", "ec"), signature="wrong signature")
case("unknown kid", token(kid="rotated"), signature="no key")
case("alg none without signature", token("none", "empty"), signature="algorithm")
case("alg None in capitals", token("NONE", "empty"), signature="algorithm")
case("HS256 keyed with the public key", token("HS256", "hmac"), signature="algorithm")
case("HS256 naming the shared key", token("HS256", "hmac", "shared"), signature="algorithm")
case("RS512", token("RS512"), signature="algorithm")
case("alg in lower case", token("rs256"), signature="algorithm")
case("header brings its own key", token(sign="other", header={"jwk": rsa_jwk(other)}), signature="wrong signature")
case("crit extension", token(header={"crit": ["exp"]}), decode="critical")
case("a dot more", good + ".", decode="three parts")
case("two parts", head + "." + body, decode="three parts")
case("padding characters", good + "==", decode="base64url")
case("standard alphabet", head + "." + body + "." + sig[:-4] + "+/+/", decode="base64url")
case("white space around", " " + good, decode="base64url")
case("sub given twice", token(payload='{"sub":"u-1","sub":"admin"}'), decode="unique names")
case("date as text", token(payload={"exp": str(NOW)}), decode='"exp"')
case("huge date", token(payload={"exp": 10**300}), decode='"exp"')
case("large date", token(payload={"exp": 10**18}), decode='"exp"')
case("negative date", token(payload={"iat": -1}), decode='"iat"')
case("audience of numbers", token(payload={"aud": [1]}), decode='"aud"')

(HERE / "jwks.json").write_text(json.dumps(jwks, indent=1) + "\n")
(HERE / "tokens.json").write_text(json.dumps({"now": NOW, "issuer": ISS, "client_id": CLIENT, "nonce": NONCE, "cases": cases}, indent=1) + "\n")
