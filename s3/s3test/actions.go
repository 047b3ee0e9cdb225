package s3test

import (
	"fmt"
	"net/http"
	"time"
)

// All does several actions at once, such as All(Chunked(), Close(5)). Of two
// that contradict each other the later one counts.
func All(actions ...Action) Action {
	return func(p *plan) {
		for _, a := range actions {
			a(p)
		}
	}
}

// Error answers with a status and an error's XML, and with headers of the form
// "Retry-After: 1". A status of 200 is the error that S3 sends when it has
// begun too early.
func Error(status int, code string, headers ...string) Action {
	return reply(func() *answer {
		a := refuse(status, code, "s3test was told to answer so")
		a.setHeaders(headers)
		return a
	})
}

// Reply answers with that body, of type application/xml unless a header says
// otherwise.
func Reply(status int, body string, headers ...string) Action {
	return reply(func() *answer {
		a := newAnswer(status, "application/xml", []byte(body))
		a.setHeaders(headers)
		return a
	})
}

// HTML answers 200 with a page, as a captive portal does.
func HTML() Action {
	return Reply(http.StatusOK, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n",
		"Content-Type: text/html; charset=utf-8")
}

// Redirect answers with a Location and, unless it is "", the bucket's region.
func Redirect(status int, location, region string) Action {
	return reply(func() *answer {
		code := "TemporaryRedirect"
		if status == http.StatusMovedPermanently {
			code = "PermanentRedirect"
		}
		a := refuse(status, code, "The bucket you are attempting to access must be addressed using the specified endpoint.")
		a.header.Set("Location", location)
		if region != "" {
			a.header.Set("X-Amz-Bucket-Region", region)
		}
		return a
	})
}

func reply(f func() *answer) Action { return func(p *plan) { p.reply = f } }

// Reset resets the connection after n bytes of body. They have arrived at the
// client's host by then, if the client reads.
func Reset(n int64) Action { return func(p *plan) { p.end, p.endAt = endsWithReset, n } }

// Close ends the connection in the regular way after n bytes of body, short of
// what Content-Length promises.
func Close(n int64) Action { return func(p *plan) { p.end, p.endAt = endsWithClose, n } }

// Stall stops after n bytes of body until the client or the server gives up.
func Stall(n int64) Action { return Hold(n, nil) }

// Hold stops after n bytes of body and goes on when the channel is closed.
func Hold(n int64, release <-chan struct{}) Action {
	return func(p *plan) { p.holdAt, p.hold = n, release }
}

// Drip sends the body from n on as a byte every d.
func Drip(n int64, d time.Duration) Action { return func(p *plan) { p.dripAt, p.drip = n, d } }

// Delay waits for d before the answer.
func Delay(d time.Duration) Action { return func(p *plan) { p.delay = d } }

// Ignore answers as if headers such as "Range" and "If-Match", or parameters
// such as "encoding-type" and "versionId", had not been sent.
func Ignore(names ...string) Action {
	return func(p *plan) {
		if p.ignore == nil {
			p.ignore = make(map[string]bool)
		}
		for _, name := range names {
			p.ignore[name] = true
			p.ignore[http.CanonicalHeaderKey(name)] = true
		}
	}
}

// SetHeader gives a header of the answer other values, or none. It may say a
// Content-Length that is not so.
func SetHeader(name string, values ...string) Action {
	return edit(func(a *answer) { a.header[http.CanonicalHeaderKey(name)] = values })
}

// ShiftRange has Content-Range begin and end d later than the body does.
func ShiftRange(d int64) Action { return editRange(d, d, 0) }

// WrongTotal adds d to the size of the object in Content-Range.
func WrongTotal(d int64) Action { return editRange(0, 0, d) }

func editRange(first, last, total int64) Action {
	return edit(func(a *answer) {
		var f, l, t int64
		if n, _ := fmt.Sscanf(a.header.Get("Content-Range"), "bytes %d-%d/%d", &f, &l, &t); n == 3 {
			a.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", f+first, l+last, t+total))
		}
	})
}

// Cut has only the first n bytes of the body and says so in Content-Length, but
// not in Content-Range. With n < 0 the last -n are missing.
func Cut(n int64) Action {
	return edit(func(a *answer) {
		if n < 0 {
			a.n = max(0, a.n+n)
		} else {
			a.n = min(a.n, n)
		}
	})
}

// Grow has n bytes more in the body and says so in Content-Length, but not in
// Content-Range.
func Grow(n int64) Action { return edit(func(a *answer) { a.n += n }) }

// Surplus sends n bytes after the end of the body that Content-Length says.
func Surplus(n int64) Action { return func(p *plan) { p.surplus = n } }

// FlipBit has one bit wrong in byte n of the body.
func FlipBit(n int64) Action {
	return edit(func(a *answer) { a.src = flipped{a.src, a.off + n} })
}

// Edit puts f's result in place of the body, which it must not keep.
func Edit(f func(body []byte) []byte) Action {
	return edit(func(a *answer) { a.setBytes(f(a.bytes())) })
}

func edit(f func(*answer)) Action { return func(p *plan) { p.edits = append(p.edits, f) } }

// Chunked sends the body in chunks, without Content-Length.
func Chunked() Action { return func(p *plan) { p.framing = framedInChunks } }

// Unframed sends the body without Content-Length; the end of the connection is
// its end.
func Unframed() Action { return func(p *plan) { p.framing = framedByClose } }

// Raw sends these bytes, status line and all, and ends the connection.
func Raw(answer string) Action { return func(p *plan) { p.raw = &answer } }

// Func answers with h. It must return when the request's context ends.
func Func(h http.HandlerFunc) Action { return func(p *plan) { p.custom = h } }
