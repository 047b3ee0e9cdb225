package s3

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"testing"
	"time"
)

func TestErrorText(t *testing.T) {
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name string
		err  Error
		want string
	}{
		{"a refusal", Error{Op: "get", Bucket: "b", Key: "a/b.jpg", Status: 403, Code: "AccessDenied", Message: "Access Denied", RequestID: "7F2A", Attempts: 1},
			"get s3://b/a/b.jpg: 403 AccessDenied: Access Denied (request 7F2A)"},
		{"of the account", Error{Op: "list", Status: 403, Code: "AccessDenied", Attempts: 1}, "list s3://: 403 AccessDenied"},
		{"only a status", Error{Op: "head", Bucket: "b", Key: "k", Status: 404, Attempts: 1}, "head s3://b/k: 404 Not Found"},
		{"a status without a name", Error{Op: "head", Bucket: "b", Key: "k", Status: 599}, "head s3://b/k: 599"},
		{"after several attempts", Error{Op: "list", Bucket: "b", Status: 503, Code: "SlowDown", RequestID: "1", Attempts: 10},
			"list s3://b/: 503 SlowDown (request 1, 10 attempts)"},
		{"no reply", Error{Op: "get", Bucket: "b", Key: "k", Attempts: 2, Err: errors.New("connection refused")},
			"get s3://b/k: connection refused (2 attempts)"},
		{"an unlikely reply", Error{Op: "get", Bucket: "b", Key: "k", Status: 206, Err: fmt.Errorf("%w: no ETag", errProtocol)},
			"get s3://b/k: unbelievable reply: no ETag"},
		{"a key of several lines", Error{Op: "get", Bucket: "b", Key: "a\n2026 level=error", Status: 404, Code: "NoSuchKey"},
			`get "s3://b/a\n2026 level=error": 404 NoSuchKey`},
		{"a terminal's codes in the message", Error{Op: "get", Bucket: "b", Key: "k", Status: 400, Code: "\x1b[31m", Message: "\x1b]0;x\a"},
			`get s3://b/k: 400 "\x1b[31m": "\x1b]0;x\a"`},
		{"a key that is not UTF-8", Error{Op: "get", Bucket: "b", Key: "\xff", Status: 404}, `get "s3://b/\xff": 404 Not Found`},
		{"a key that turns the text around", Error{Op: "get", Bucket: "b", Key: "\u202egpj.exe", Status: 404}, `get "s3://b/\u202egpj.exe": 404 Not Found`},
		{"a key that is UTF-8", Error{Op: "get", Bucket: "b", Key: "für dich", Status: 404}, `get s3://b/für dich: 404 Not Found`},
		{"a long key", Error{Op: "get", Bucket: "b", Key: long, Status: 404}, "get s3://b/" + long[:2048-7] + "...: 404 Not Found"},
		{"a long message", Error{Op: "get", Bucket: "b", Key: "k", Status: 400, Code: "X", Message: long}, "get s3://b/k: 400 X: " + long[:256] + "..."},
		{"a long code", Error{Op: "get", Bucket: "b", Key: "k", Status: 400, Code: long}, "get s3://b/k: 400 " + long[:64] + "..."},
		{"a long request id", Error{Op: "get", Bucket: "b", Key: "k", Status: 400, Code: "X", RequestID: long}, "get s3://b/k: 400 X (request " + long[:128] + "...)"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%s:\n got %.300q\nwant %.300q", tt.name, got, tt.want)
		}
	}
}

func TestErrorsAreAskedByMeaning(t *testing.T) {
	kinds := map[string]error{"not-exist": iofs.ErrNotExist, "permission": iofs.ErrPermission, "changed": ErrChanged, "archived": ErrArchived,
		"cancelled": context.Canceled, "deadline": context.DeadlineExceeded, "credentials": ErrCredentials, "forbidden": ErrForbidden, "no-bucket": ErrNoBucket}
	tests := []struct {
		op     string
		status int
		code   string
		err    error
		want   string // kinds, in the order of the alphabet
	}{
		{opHead, 404, "", nil, "not-exist"},
		{opHead, 404, "NoSuchKey", nil, "not-exist"},
		{opHead, 404, "NoSuchBucket", nil, "no-bucket"},
		{opGet, 404, "NoSuchKey", nil, "changed not-exist"},
		{opGet, 404, "NoSuchVersion", nil, "changed not-exist"},
		{opGet, 404, "NoSuchBucket", nil, "no-bucket"},
		{opGet, 404, "NoSuchUpload", nil, ""}, // about something else
		{opGet, 404, "XAdminUserNotFound", nil, "permission"},
		{opList, 404, "XAdminUserNotFound", nil, "permission"},
		{opList, 404, "NoSuchBucket", nil, "no-bucket"},
		{opList, 404, "", nil, ""}, // a wrong endpoint, not an empty directory
		{opGet, 412, "PreconditionFailed", nil, "changed"},
		{opGet, 412, "", nil, "changed"},
		{opGet, 416, "InvalidRange", nil, "changed"},
		{opHead, 416, "", nil, ""},
		{opHead, 401, "", nil, "permission"},
		{opHead, 403, "", nil, "forbidden permission"},
		{opGet, 403, "AccessDenied", nil, "forbidden permission"},
		{opList, 403, "AllAccessDisabled", nil, "forbidden permission"},
		{opHead, 401, "AccessDenied", nil, "permission"},
		{opGet, 403, "InvalidAccessKeyId", nil, "permission"},
		{opGet, 403, "SignatureDoesNotMatch", nil, "permission"},
		{opGet, 403, "RequestTimeTooSkewed", nil, "permission"},
		{opGet, 400, "ExpiredToken", nil, "permission"},
		{opGet, 403, "InvalidObjectState", nil, "archived"},
		{opHead, 400, "", nil, "permission"}, // what an expired token is to a HEAD
		{opGet, 400, "", nil, ""},
		{opList, 400, "InvalidBucketName", nil, "no-bucket"},
		{opGet, 400, "InvalidArgument", nil, ""},
		{opGet, 503, "SlowDown", nil, ""},
		{opGet, 301, "PermanentRedirect", nil, ""},
		{opGet, 0, "", errors.New("connection refused"), ""},
		{opGet, 404, "", errors.New("the reply was cut"), ""}, // not believed
		{opGet, 0, "", errStalled, "deadline"},
		{opGet, 0, "", context.Canceled, "cancelled"},
		{opGet, 0, "", fmt.Errorf("%w: x", ErrCredentials), "credentials"},
		{opGet, 206, "", fmt.Errorf("%w: another ETag", ErrChanged), "changed"},
	}
	for _, tt := range tests {
		e := error(&Error{Op: tt.op, Status: tt.status, Code: tt.code, Err: tt.err})
		e = fmt.Errorf("wrapped: %w", e)
		var got []string
		for _, name := range []string{"archived", "cancelled", "changed", "credentials", "deadline", "forbidden", "no-bucket", "not-exist", "permission"} {
			if errors.Is(e, kinds[name]) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s %d %s %v is %q, want %q", tt.op, tt.status, tt.code, tt.err, got, tt.want)
		}
	}
}

func TestAnErrorCarriesWhatTheServerSaid(t *testing.T) {
	tests := []struct {
		name   string
		answer answerFunc
		want   Error
	}{
		{"in its body", says(403, refusal("AccessDenied", "<RequestId>body</RequestId>")),
			Error{Status: 403, Code: "AccessDenied", Message: "words", RequestID: "body"}},
		{"in its head", says(403, refusal("AccessDenied", "<RequestId>body</RequestId>"), "X-Amz-Request-Id: head"),
			Error{Status: 403, Code: "AccessDenied", Message: "words", RequestID: "head"}},
		{"in a page", says(403, "<html><body>No!</body></html>"), Error{Status: 403}},
		{"in something cut off", says(403, "<Error><Code>AccessDen"), Error{Status: 403}},
		{"in another language", says(403, `<?xml version="1.0" encoding="EBCDIC"?>`+refusal("AccessDenied")), Error{Status: 403}},
		{"not at all", says(403, ""), Error{Status: 403}},
		{"at length", says(403, refusal("AccessDenied", strings.Repeat(" ", 2*maxErrorBody))), Error{Status: 403}},
		{"in a success", says(200, refusal("AccessDenied", "<RequestId>body</RequestId>")),
			Error{Status: 200, Code: "AccessDenied", Message: "words", RequestID: "body"}},
	}
	for _, tt := range tests {
		b := scripted(t, &script{answers: []answerFunc{tt.answer}})
		_, err := list(t.Context(), b, ListOptions{Prefix: "p/"})
		e := asError(t, err)
		got := Error{Status: e.Status, Code: e.Code, Message: e.Message, RequestID: e.RequestID}
		if got != tt.want || e.Op != opList || e.Bucket != "bucket" || e.Key != "p/" || e.Attempts != 1 {
			t.Errorf("said %s: %+v, want %+v", tt.name, *e, tt.want)
		}
	}
}

func TestAskingForNothingIsRefusedHere(t *testing.T) {
	s := &script{answers: []answerFunc{listed}}
	b := scripted(t, s)
	o := Object{Key: "k", ETag: "e", Size: 10}
	for _, r := range [][2]int64{{-1, 5}, {5, 5}, {6, 5}, {0, 11}, {10, 11}, {10, 10}, {1 << 62, -1 << 62}} {
		if _, err := b.OpenRange(t.Context(), o, r[0], r[1]); err == nil {
			t.Errorf("bytes %v of 10 are asked for", r)
		} else {
			asError(t, err)
		}
	}
	if _, err := b.OpenRange(t.Context(), Object{ETag: "e", Size: 10}, 0, 10); err == nil {
		t.Error("the object of no key is asked for")
	}
	if _, err := b.Head(t.Context(), ""); err == nil {
		t.Error("the head of no key is asked for")
	}
	if s.count() != 0 {
		t.Errorf("%d requests", s.count())
	}
}

func TestBadWishesForRetries(t *testing.T) {
	if d := retryAfter(time.Now().Add(-time.Hour).UTC().Format(time.RFC1123)); d != 0 {
		t.Errorf("a date in the past is a wait of %v", d)
	}
}
