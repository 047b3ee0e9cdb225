// Package sigv4 signs HTTP requests with AWS Signature Version 4 as S3 wants it.
//
// A signature is an HMAC over a text that client and server each build from the
// request, the canonical request. If the two texts differ in one byte the server
// answers SignatureDoesNotMatch and the client cannot see why. So this package
// does two things that a signer need not do: it returns every text it built
// (Steps), and it rewrites the request so that what goes on the wire is, byte for
// byte, what was signed.
//
// # The path
//
// An object's key is bytes. On the wire and in the canonical request a byte is
// itself if it is one of A-Z a-z 0-9 - . _ ~ or, in a path, the slash. Every
// other byte is %XX with upper case digits. That is stricter than net/url, which
// leaves $&+,;=:@ and others alone. EscapePath does it, and Sign stores the
// result in URL.RawPath.
//
// The key is escaped once. Other AWS services escape the escaped path again; S3
// does not, and neither does this package. The path is never cleaned: a//b, a/./b
// and a/../b are three keys, and none of them is a/b.
//
// A path that arrives escaped is brought to the one form above: %2f becomes %2F
// (and stays an escape, it does not become a slash), $ becomes %24, %41 becomes A.
// An empty path is "/".
//
// # The query
//
// A parameter is escaped as a path is, slash included, and blank is %20. In
// URL.RawQuery a plus means blank, as url.Values.Encode writes it; a literal plus
// is %2B. A parameter without "=" gets one: ?lifecycle is lifecycle=. Empty
// parts (a&&b) are dropped. Parameters are sorted by name, then by value, as bytes
// and after escaping. A percent sign that begins no escape is itself, so it
// becomes %25. A semicolon is a plain character.
//
// # The headers
//
// All headers of the request are signed, and host, except those that proxies and
// Go's own transport add, remove or rewrite: Authorization, User-Agent,
// Accept-Encoding, Connection, Expect, Keep-Alive, Proxy-*, TE, Trailer,
// Transfer-Encoding, Upgrade and X-Amzn-Trace-Id. Content-Length is signed only
// when the header map holds it. A header with no values is not sent by Go and not
// signed. Values are trimmed, several blanks in a row count as one (inside
// quotes too), and the values of one header are joined with a comma in their order.
//
// Host is Request.Host, or URL.Host where that is empty: in lower case, without
// the port that the scheme implies, without an IPv6 zone. Request.Host is set to
// it. A name outside ASCII is refused; write it in punycode.
//
// # The payload
//
// The hash of the body is an argument: EmptyPayload for GET and HEAD, the lower
// case hexadecimal SHA-256 otherwise, or UnsignedPayload. S3 insists on having it
// in X-Amz-Content-Sha256, and Sign puts it there. OmitPayload is for services
// other than S3 that do not know that header.
//
// # Not done
//
// Signing chunk by chunk (STREAMING-AWS4-HMAC-SHA256-PAYLOAD), form uploads
// (POST policies), SigV4a, signature version 2, and reading a body to hash it.
// Requests are signed, never verified. No credentials are looked up, and no clock
// is read: the time is an argument.
package sigv4
