package sigv4

import (
	"fmt"
	"io"
	"log/slog"
)

// Credentials are what a request is signed with. SessionToken is empty for
// long-lived keys.
//
// However they are printed, logged or marshalled, no more than the first four
// characters of the access key id are seen. One door stays open: fmt cannot call
// methods on an unexported field, so a struct that keeps Credentials in one must
// not be printed with %v.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// String returns the beginning of the access key id.
func (c Credentials) String() string {
	n := min(4, len(c.AccessKeyID)/2)
	for i := range n {
		if b := c.AccessKeyID[i]; b <= ' ' || b > '~' {
			n = 0 // a stray line end must not reach a log
			break
		}
	}
	return c.AccessKeyID[:n] + "…"
}

// GoString returns what String does, so that %#v is as safe as %v.
func (c Credentials) GoString() string { return "sigv4.Credentials(" + c.String() + ")" }

// Format writes what String returns, whatever the verb.
func (c Credentials) Format(f fmt.State, verb rune) {
	s := c.String()
	if verb == 'v' && f.Flag('#') {
		s = c.GoString()
	}
	io.WriteString(f, s)
}

// LogValue lets slog show what String returns.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does: credentials inside a larger value do not
// leak through a JSON log. There is no way back.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A Scope is where a signature is valid: for S3 the bucket's region and "s3".
type Scope struct{ Region, Service string }
