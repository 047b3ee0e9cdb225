package explain

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// compareToSign compares the client's string to sign with the server's, or with
// the request; and its hash with the client's own canonical request.
func (q *inquiry) compareToSign() {
	if q.ownSign != nil && q.own != nil {
		q.compareHash()
	}
	switch {
	case q.ownSign != nil && q.servSign != nil:
		q.compareStrings(q.ownSign, q.servSign, Shown)
	case q.ownSign != nil && q.claim != nil && q.claim.version == 4:
		right := &toSign{algorithm: algorithm, date: q.claim.date, scope: q.claim.scope(), hash: q.ownSign.hash}
		q.compareStrings(q.ownSign, right, Rule)
	case q.ownSign != nil:
		q.compareStrings(q.ownSign, &toSign{algorithm: algorithm, date: q.ownSign.date, scope: q.ownSign.scope, hash: q.ownSign.hash}, Rule)
	case q.servSign != nil && q.claim != nil && q.claim.version == 4:
		sent := &toSign{algorithm: q.claim.algorithm, date: q.claim.date, scope: q.claim.scope(), hash: q.servSign.hash}
		q.compareStrings(sent, q.servSign, Shown)
	}
	if q.ownSign != nil {
		q.lookAtScope(q.ownSign.date, q.ownSign.scope)
	}
}

func (q *inquiry) compareStrings(yours, right *toSign, basis Basis) {
	check := func(part Part, cause, have, want string) {
		if have == want {
			q.agree(part)
			return
		}
		q.find(basis, cause, "", have, want)
	}
	check(PartAlgorithm, CauseAlgorithm, yours.algorithm, right.algorithm)
	check(PartDate, CauseDate, yours.date, right.date)
	if yours.scope == right.scope {
		q.agree(PartScope)
	} else {
		q.find(basis, scopeCause(yours.scope, right.scope), "", yours.scope, right.scope)
	}
	switch {
	case right.hash == "" || yours.hash == right.hash:
	case strings.EqualFold(yours.hash, right.hash):
		q.find(basis, CauseHashCase, "", yours.hash, right.hash)
	case q.own == nil:
		q.find(basis, CauseHash, "", yours.hash, right.hash).What = "The hash of the canonical request is another than the server's: the canonical requests differ."
		q.miss("Give the client's own canonical request: the text that it hashes, printed just before it is hashed.")
	case q.own.exact() == q.servedText():
		// The texts are equal, the hashes are not, and compareHash found no way
		// that makes the client's.
		q.find(basis, CauseHash, "", yours.hash, right.hash)
	}
}

func (q *inquiry) servedText() string {
	if q.served == nil {
		return ""
	}
	return q.served.exact()
}

// scopeCause says how two scopes differ.
func scopeCause(yours, right string) string {
	a, b := strings.Split(yours, "/"), strings.Split(right, "/")
	switch {
	case len(a) != 4 || a[3] != "aws4_request":
		return CauseScopeMalformed
	case len(b) != 4:
		return CauseScope
	case a[0] != b[0] && a[1] == b[1] && a[2] == b[2]:
		return CauseScopeDate
	case a[0] == b[0] && a[1] != b[1] && a[2] == b[2]:
		return CauseRegion
	case a[0] == b[0] && a[1] == b[1] && a[2] != b[2]:
		return CauseService
	}
	return CauseScope
}

// A hashing is a mistaken way from a canonical request to its hash.
type hashing struct {
	cause string
	hash  func(text string) string
}

var hashings = []hashing{
	{CauseHashCRLF, func(s string) string { return hexHash(withCRLF(s)) }},
	{CauseHashCRLF, func(s string) string { return hexHash(withCRLF(s) + "\r\n") }},
	{CauseHashNewline, func(s string) string { return hexHash(s + "\n") }},
	{CauseHashNewline, func(s string) string { return hexHash(s + "\r\n") }},
	{CauseHashUTF16, func(s string) string { return hexHash(inUTF16(s, binary.LittleEndian, false)) }},
	{CauseHashUTF16, func(s string) string { return hexHash(inUTF16(s, binary.LittleEndian, true)) }},
	{CauseHashUTF16, func(s string) string { return hexHash(inUTF16(s, binary.BigEndian, false)) }},
	{CauseHashUTF16, func(s string) string { return hexHash(inUTF16(s, binary.BigEndian, true)) }},
	{CauseHashIndented, func(s string) string { return hexHash(indented(s, "    ")) }},
	{CauseHashIndented, func(s string) string { return hexHash(indented(s, "        ")) }},
	{CauseHashIndented, func(s string) string { return hexHash(indented(s, "  ")) }},
	{CauseHashIndented, func(s string) string { return hexHash(indented(s, "\t")) }},
	{CauseHashBackslash, func(s string) string { return hexHash(strings.ReplaceAll(s, "\n", `\n`)) }},
	{CauseHashTwice, func(s string) string { return hexHash(hexHash(s)) }},
	{CauseHashTwice, func(s string) string { return hexHash(string(fromHex(hexHash(s)))) }},
}

func withCRLF(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// indented is s with blanks before all its lines but the first.
func indented(s, by string) string { return strings.ReplaceAll(s, "\n", "\n"+by) }

func inUTF16(s string, order binary.ByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.(binary.AppendByteOrder).AppendUint16(b, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.(binary.AppendByteOrder).AppendUint16(b, u)
	}
	return string(b)
}

// compareHash looks how the client came from its canonical request to the hash in
// its string to sign.
func (q *inquiry) compareHash() {
	text, hash := q.own.exact(), q.ownSign.hash
	right := hexHash(text)
	switch {
	case hash == right:
		q.agree(PartCanonical)
		return
	case strings.EqualFold(hash, right):
		q.find(Shown, CauseHashCase, "", hash, right)
		return
	}
	for _, h := range hashings {
		if strings.EqualFold(h.hash(text), hash) {
			q.find(Shown, h.cause, "", hash, right)
			return
		}
	}
	q.find(Rule, CauseHash, "", hash, right)
}

// lookAtScope says what is wrong with date and scope by themselves.
func (q *inquiry) lookAtScope(date, scope string) {
	parts := strings.Split(scope, "/")
	switch {
	case len(parts) != 4 || parts[3] != "aws4_request":
		q.find(Rule, CauseScopeMalformed, "", scope, "")
		return
	case isDate(date) && parts[0] != date[:8]:
		q.find(Rule, CauseScopeDate, "", parts[0], date[:8])
	}
	if !isS3Service(parts[2]) {
		q.find(Rule, CauseService, "", parts[2], "s3")
	}
	if date != "" && !isDate(date) {
		q.find(Rule, CauseDateMalformed, "", date, "")
	}
}

func isS3Service(s string) bool { return s == "s3" || strings.HasPrefix(s, "s3") }

// isDate reports whether s is written as X-Amz-Date is.
func isDate(s string) bool {
	if len(s) != len("20130524T000000Z") || s[8] != 'T' || s[15] != 'Z' {
		return false
	}
	return strings.Trim(s[:8]+s[9:15], "0123456789") == ""
}
