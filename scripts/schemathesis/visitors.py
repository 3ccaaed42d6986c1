"""What scripts/schemathesis.sh needs before it can ask: visitors who are in, and things they bought.

    visitors.py in GATEWAY PROCESS          waits until it sells; prints a pass and another's ticket
    visitors.py up GATEWAY PROCESS          waits until it answers at all
    visitors.py bought GATEWAY PASS COUNT   prints ids: held, confirmed, and the orders of those
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def ask(url, body=None, method="POST", **headers):
    data = json.dumps(body).encode() if body is not None else None
    if data:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def until(gateway, process, so):
    for _ in range(600):
        if not os.path.exists(f"/proc/{process}"):
            sys.exit("it ended")
        try:
            if so(ask(f"{gateway}/_wr/status/main", method="GET")):
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    sys.exit("it does not come up")


def let_in(gateway, process):
    until(gateway, process, lambda room: room["stock"] and room["stock"]["available"])
    buyer, other = (ask(f"{gateway}/_wr/ticket/main") for _ in range(2))
    print(buyer["pass"], other["ticket"]["token"])


def bought(gateway, entry_pass, count):
    def reserve():
        wish = {"sku": "bought-before", "quantity": 1}
        key = {"Idempotency-Key": str(uuid.uuid4()), "X-Entry-Pass": entry_pass}
        return ask(f"{gateway}/v1/reservations", wish, **key)["id"]

    held = [reserve() for _ in range(count)]
    sold = [reserve() for _ in range(count)]
    for reservation in sold:
        paid = {"payment_ref": "before"}
        ask(f"{gateway}/v1/reservations/{reservation}/confirm", paid, **{"X-Entry-Pass": entry_pass})
    orders = ["o" + reservation[1:] for reservation in sold]
    print(json.dumps(held + sold))
    print(json.dumps(orders))


if __name__ == "__main__":
    if sys.argv[1] == "in":
        let_in(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "up":
        until(sys.argv[2], sys.argv[3], lambda room: True)
    else:
        bought(sys.argv[2], sys.argv[3], int(sys.argv[4]))
