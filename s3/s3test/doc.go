// Package s3test is an S3 server for tests and benchmarks, with faults.
//
// It serves one bucket over loopback, reads only, and is strict where a lenient
// server would hide a defect of the client: every signature is computed again
// from the raw request by code of its own, keys are taken from the request line
// as they were sent and never cleaned, and every method but GET and HEAD is
// refused and remembered.
//
//	srv := s3test.New(t, s3test.Options{
//		Text:    map[string]string{"d/a": "hello"},
//		Objects: map[string]s3test.Object{"big": {Size: 10 << 30}},
//	})
//	// point the client at srv.Endpoint(), srv.Bucket(), srv.Region(), srv.Credentials()
//	// and afterwards ask what it cost:
//	srv.Requests() // ["LIST d/" "GET big 0-131071"]
//
// A program that is not a test uses [Start] and [Server.Close].
//
// # Objects
//
// An [Object] has either a Body or a Size. With a Size its content is generated:
// a function of key, ETag and offset that [ContentAt] gives too, so that gigabytes
// cost no memory and a shift, a swap, a zero or a byte of another version shows
// ([CheckContent]). [Server.Put] and [Server.Delete] may be called at any time; a
// new version has a new ETag. With Options.Versioned the old versions stay
// readable by version id. [Server.PutRange] fills a bucket with millions of keys.
//
// # What it answers
//
// ListObjectsV2, with Options.ListV1 ListObjects too, ListObjectVersions, GET and HEAD of an object (one range, If-Match, If-None-Match,
// If-Unmodified-Since, versionId), HEAD of the bucket and GET ?location, path style
// and virtual-host style. Where S3 is odd the server is as odd:
// keys with control characters make invalid XML unless encoding-type=url is
// asked for, a listing writes a blank as '+', a missing key is 403 to those who
// may not list, an archived object is listed and refused, a range that cannot be
// parsed is ignored. A start-after inside a common prefix shows that prefix again
// when a later key belongs to it.
//
// # Faults
//
// A [Rule] says which requests are answered wrongly, how often, and how:
//
//	srv.AddRule(s3test.Rule{Op: s3test.Get, Key: "big", Skip: 1, Times: 2,
//		Action: s3test.Reset(700 << 10)})
//
// lets the first GET of "big" through, and breaks the second and the third after
// 700 KiB of body. Rules are tried in the order in which they were added and the
// first one that acts is the only one that does. A request whose signature is
// refused meets no rule. [Server.ClearRules] ends them all.
//
//	Error(503, "SlowDown", "Retry-After: 1")   any status and code; 200 too
//	Reply(200, html, "Content-Type: text/html") any answer; HTML() is this one
//	Redirect(301, location, region)             region in x-amz-bucket-region
//	Reset(n), Close(n), Stall(n), Hold(n, ch)   after n bytes, or BeforeHeaders
//	Drip(n, d)                                  from n on, a byte every d
//	Delay(d)                                    before the answer
//	Ignore("Range"), Ignore("encoding-type")    as if not asked
//	SetHeader("ETag", `"x"`), SetHeader("ETag") replaced, left out
//	ShiftRange(d), WrongTotal(d)                a lie in Content-Range
//	Cut(n), Grow(n), Surplus(n)                 shorter, longer, longer than said
//	FlipBit(n), Edit(f)                         another body
//	Chunked(), Unframed()                       without Content-Length
//	Raw(bytes), Func(handler)                   anything else
//	All(a, b)                                   several at once
//
// # What it remembers
//
// [Server.Requests] is the short form to compare in tests: operation, key or
// prefix, and for GET the range; " flat" for a listing without delimiter, " next"
// for a further page; VERSIONS for one of versions. [Server.Log] has the details, [Server.Count],
// [Server.Bytes] and [Server.Conns] the sums. [Server.WaitRequests] and
// [Server.WaitIdle] wait for what a test would otherwise sleep for. No credentials
// are kept.
package s3test
