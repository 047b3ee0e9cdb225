package s3

import (
	"context"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"s3mount/sigv4"
)

// maxErrorBody bounds how much of an error's body is read: S3's are below 2 KB,
// with a canonical request in them.
const maxErrorBody = 64 << 10

// describe takes from the head of a reply what an error says.
func (e *Error) describe(r *http.Response) {
	e.region = r.Header.Get("X-Amz-Bucket-Region")
	e.date, _ = http.ParseTime(r.Header.Get("Date")) // zero when there is none: not believed
	e.retryAfter = retryAfter(r.Header.Get("Retry-After"))
}

// errorBody is the XML of a refusal.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
type errorBody struct {
	XMLName      xml.Name `xml:"Error"`
	Code         string
	Message      string
	RequestID    string `xml:"RequestId"`
	Region       string
	StorageClass string
}

// readBody takes from the body of a refusal what an error says. A body that is
// not S3's (a proxy's page) leaves the status to speak.
func (e *Error) readBody(body io.Reader) {
	body = io.LimitReader(body, maxErrorBody)
	var said errorBody
	err := xml.NewDecoder(body).Decode(&said)
	io.Copy(io.Discard, body) // to its end, so that the connection can be used again
	if err != nil {
		return
	}
	e.Code, e.Message, e.StorageClass = said.Code, said.Message, said.StorageClass
	if e.RequestID == "" {
		e.RequestID = said.RequestID
	}
	if said.Region != "" {
		e.region = said.Region
	}
}

// retryAfter reads the header of that name (RFC 9110, 10.2.3): seconds or a
// date. What is neither is no wish.
func retryAfter(s string) time.Duration {
	if s == "" {
		return 0
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return time.Duration(min(n, 3600)) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// counters are what a bucket has done. Requests are money.
type counters struct {
	list, head, get, retries, failed, slowDowns, hedges, bytes atomic.Int64
}

func (c *counters) sent(op string) {
	switch op {
	case opList:
		c.list.Add(1)
	case opHead:
		c.head.Add(1)
	case opGet:
		c.get.Add(1)
	}
}

// Stats are a bucket's counts since it was made. Each attempt is a request.
type Stats struct {
	Lists, Heads, Gets int64 // requests sent
	Retries            int64 // attempts after the first
	Failures           int64 // operations that ended in an error, a plain "not there" included
	Hedges             int64 // requests sent a second time because the first took long
	SlowDowns          int64 // answers that asked for fewer requests
	Limit              int   // requests that may be under way now: fewer than Options.Connections after these
	Bytes              int64 // of bodies received
}

// Stats gives the counts now.
func (b *Bucket) Stats() Stats {
	allowed, _ := b.limit.now()
	return Stats{
		Lists: b.stats.list.Load(), Heads: b.stats.head.Load(), Gets: b.stats.get.Load(),
		Retries: b.stats.retries.Load(), Failures: b.stats.failed.Load(), Bytes: b.stats.bytes.Load(),
		Hedges: b.stats.hedges.Load(), SlowDowns: b.stats.slowDowns.Load(), Limit: allowed,
	}
}

// logSteps shows what was signed, at debug level: enough to find out why a
// server refuses it, nothing that could be used. The signature is left out and
// the session token masked.
func (b *Bucket) logSteps(ctx context.Context, s sigv4.Steps, creds sigv4.Credentials) {
	if !b.opts.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	canonical := s.CanonicalRequest
	if creds.SessionToken != "" {
		canonical = strings.ReplaceAll(canonical, creds.SessionToken, "(session token)")
	}
	b.opts.Log.LogAttrs(ctx, slog.LevelDebug, "signed",
		slog.String("canonical_request", canonical), slog.String("string_to_sign", s.StringToSign))
}
