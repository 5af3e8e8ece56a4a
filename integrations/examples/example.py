"""Reports a call, reads the rep, and reports the call's end. LOCKSTEP_URL, LOCKSTEP_SECRET (whsec_...), REP"""
import base64, hmac, os, time, urllib.request, uuid

URL, REP = os.environ["LOCKSTEP_URL"].rstrip("/"), os.environ["REP"]
KEY = base64.b64decode(os.environ["LOCKSTEP_SECRET"].removeprefix("whsec_"))


def ask(method, path, body=""):
    id, at = str(uuid.uuid4()), str(int(time.time()))
    digest = hmac.digest(KEY, f"{id}.{at}.{body}".encode(), "sha256")
    headers = {"webhook-id": id, "webhook-timestamp": at}
    headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
    if body:
        headers["content-type"] = "application/json"
    request = urllib.request.Request(f"{URL}/api/v1{path}", body.encode() or None, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(answer.read().decode())


ask("PUT", f"/reps/{REP}/holds/example", '{"status":"InACall","ttlSeconds":60}')
ask("GET", f"/reps/{REP}")
ask("DELETE", f"/reps/{REP}/holds/example")
