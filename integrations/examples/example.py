"""Reports a call, reads the rep, and reports the call's end. LOCKSTEP_URL, LOCKSTEP_SECRET (whsec_...), REP"""
import base64, hashlib, hmac, os, time, urllib.request, uuid

URL, REP = os.environ["LOCKSTEP_URL"], os.environ["REP"]
KEY = base64.b64decode(os.environ["LOCKSTEP_SECRET"].removeprefix("whsec_"))


def ask(method, path, body=""):
    id, at = str(uuid.uuid4()), str(int(time.time()))
    digest = hmac.new(KEY, f"{id}.{at}.{body}".encode(), hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    headers = {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature}
    if body:
        headers["content-type"] = "application/json"
    data = body.encode() if body else None
    request = urllib.request.Request(f"{URL}/api/v1{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(answer.read().decode())


ask("PUT", f"/reps/{REP}/holds/example", '{"status":"InACall","ttlSeconds":60}')
ask("GET", f"/reps/{REP}")
ask("DELETE", f"/reps/{REP}/holds/example")
