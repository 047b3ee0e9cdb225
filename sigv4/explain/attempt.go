package explain

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// An attempt is all that a signature is made of, right or mistaken.
type attempt struct {
	canonical
	noHeaderBlank bool                     // the empty line after the headers is missing
	hash          func(text string) string // of the canonical request
	algorithm     string
	date, scope   string
	toSign        func(text string) string // nil: as it is
	given         string                   // the string to sign, if it is not to be made

	prefix, secret string
	steps          []string         // day, region, service, aws4_request
	hexKeys        bool             // each step's key as hexadecimal text
	hexLast        bool             // the signing key only
	swapped        bool             // key and message in each HMAC
	keys           map[keyID][]byte // made so far
}

// signature makes it, in small hexadecimal digits.
func (a *attempt) signature() string {
	text := a.given
	if text == "" {
		text = a.algorithm + "\n" + a.date + "\n" + a.scope + "\n" + a.hash(a.canonicalText())
	}
	if a.toSign != nil {
		text = a.toSign(text)
	}
	return hex.EncodeToString(a.hmac(a.key(), text))
}

// key makes the signing key, or takes the one that was made of the same before:
// most mistakes are made elsewhere.
func (a *attempt) key() []byte {
	id := keyID{a.prefix + a.secret, strings.Join(a.steps, "/"), a.hexKeys, a.hexLast, a.swapped}
	if key, ok := a.keys[id]; ok {
		return key
	}
	key := []byte(a.prefix + a.secret)
	for _, step := range a.steps {
		key = a.hmac(key, step)
		if a.hexKeys {
			key = hex.AppendEncode(nil, key)
		}
	}
	if a.hexLast {
		key = hex.AppendEncode(nil, key)
	}
	a.keys[id] = key
	return key
}

// A keyID is all that a signing key is made of.
type keyID struct {
	secret, steps             string
	hexKeys, hexLast, swapped bool
}

func (a *attempt) hmac(key []byte, message string) []byte {
	if a.swapped {
		h := hmac.New(sha256.New, []byte(message))
		h.Write(key)
		return h.Sum(nil)
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// canonicalText is the canonical request as the mistakes have it.
func (a *attempt) canonicalText() string {
	if a.text != "" {
		return a.text
	}
	var b strings.Builder
	b.WriteString(a.method + "\n" + a.path + "\n")
	if !a.noQuery {
		b.WriteString(a.query + "\n")
	}
	for _, h := range a.headers {
		b.WriteString(h.name + ":" + h.value + "\n")
	}
	if !a.noHeaderBlank {
		b.WriteByte('\n')
	}
	b.WriteString(a.names)
	if !a.noPayload {
		b.WriteString("\n" + a.payload)
	}
	return b.String()
}

// setHeader gives a header's line another value, in a list of its own.
func (a *attempt) setHeader(name, value string) {
	a.headers = append([]header(nil), a.headers...)
	for i := range a.headers {
		if a.headers[i].name == name {
			a.headers[i].value = value
		}
	}
}

// dropHeader leaves out a header's line, in a list of its own.
func (a *attempt) dropHeader(name string) {
	var kept []header
	for _, h := range a.headers {
		if h.name != name {
			kept = append(kept, h)
		}
	}
	a.headers = kept
}
