import datetime, hashlib, hmac, http.client, sys

host, path, region = "127.0.0.1:7070", "/photos/hello.txt", "us-east-1"
key_id, secret = "AKIAEXAMPLE", "example/secret"
now = datetime.datetime.now(datetime.timezone.utc)
stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
headers = {"host": host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": stamp}
names = ";".join(sorted(headers))
canonical = "\n".join(
    ["GET", path]
    + [f"{n}:{headers[n]}" for n in sorted(headers)]
    + ["", names, hashlib.sha256(b"").hexdigest()]
)
scope = f"{day}/{region}/s3/aws4_request"
to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
key = ("AWS4" + secret).encode()
for step in (day, region, "s3", "aws4_request"):
    key = hmac.new(key, step.encode(), hashlib.sha256).digest()
signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
http.client.HTTPConnection.debuglevel = 1
c = http.client.HTTPConnection(host)
c.request("GET", path, headers=headers)
print(c.getresponse().read().decode())
