package explain

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3mount/sigv4"
)

// lookAtRequest holds the request to the rules of S3, whatever the server says.
func (q *inquiry) lookAtRequest() {
	if q.request == nil {
		q.lookAtOwnAlone()
		return
	}
	c := q.claim
	if c.both {
		q.find(Rule, CauseTwoSignatures, "", "", "")
	}
	switch c.version {
	case 0:
		if !c.both {
			q.unsigned(Rule)
		}
		return
	case 2:
		q.find(Rule, CauseV2, "", "", "")
		return
	}
	for _, name := range c.missing {
		q.find(Rule, CauseAuthorization, name, "", "")
	}
	if c.algorithm != algorithm && c.algorithm != "" {
		q.find(Rule, CauseAlgorithm, "", c.algorithm, algorithm)
		if !strings.EqualFold(c.algorithm, algorithm) {
			return // the rest has other rules: AWS4-ECDSA-P256-SHA256's scope has no region, its signature no fixed length
		}
	}
	q.lookAtCredential()
	q.lookAtSignature()
	q.lookAtSignedHeaders()
	q.lookAtPayload()
	q.lookAtToken()
}

// unsigned is for a request without a signature: it has no Authorization, or one
// of another kind.
func (q *inquiry) unsigned(basis Basis) {
	f := q.find(basis, CauseUnsigned, "", "", "")
	if q.request == nil {
		return
	}
	if _, sent := q.request.value("Authorization"); sent {
		f.Why = "Its Authorization header is of another kind."
		f.Fix = "Send Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...; see that the HTTP library puts no user and password, or other token, in its place."
	}
}

func (q *inquiry) lookAtCredential() {
	c := q.claim
	switch {
	case c.credential == "":
	case !c.wellFormed:
		q.find(Rule, CauseCredential, "", "", "")
	default:
		q.lookAtScope(c.date, c.scope())
	}
	if c.date == "" {
		q.find(Rule, CauseDateMissing, "", "", "")
	}
	if k := q.Credentials; k != nil && c.accessKey != "" && k.AccessKeyID != "" && k.AccessKeyID != c.accessKey && q.signatureRefused() {
		yours, given := shortKey(c.accessKey), shortKey(k.AccessKeyID)
		if yours == given {
			yours, given = "", "" // they differ in what is not shown
		}
		q.find(Rule, CauseOtherKey, "", yours, given)
	}
}

// shortKey is as much of a key id as is shown.
func shortKey(id string) string { return sigv4.Credentials{AccessKeyID: id}.String() }

func (q *inquiry) lookAtSignature() {
	sig := q.claim.signature
	if sig != "" && (!isHexHash(sig) || strings.ToLower(sig) != sig) {
		q.find(Rule, CauseSignatureForm, "", "", "")
	}
}

// lookAtSignedHeaders looks at what is sent and not signed, and the other way round.
func (q *inquiry) lookAtSignedHeaders() {
	c := q.claim
	if c.signed == "" {
		return
	}
	names := c.names()
	lower := splitNames(strings.ToLower(c.signed))
	switch {
	case c.signed != strings.ToLower(c.signed):
		q.find(Rule, CauseNamesCase, "", c.signed, strings.ToLower(c.signed))
	case strings.ContainsAny(c.signed, ", "):
		q.find(Rule, CauseNamesSeparator, "", c.signed, "")
	case !slices.IsSorted(names):
		q.find(Rule, CauseNamesUnsorted, "", c.signed, strings.Join(slices.Sorted(slices.Values(names)), ";"))
	}
	if !slices.Contains(lower, "host") {
		q.find(Rule, CauseHostUnsigned, "host", c.signed, "")
	}
	for _, name := range lower {
		if _, sent := q.request.value(name); !sent {
			if name == "x-amz-content-sha256" && !c.presigned {
				continue // said below
			}
			q.find(Rule, CauseHeaderNotSent, name, "", "")
		}
		if isFragile(name) {
			q.find(Likely, CauseHeaderFragile, name, "", "")
		}
	}
	for _, h := range q.request.headers {
		name := strings.ToLower(h.name)
		if !strings.HasPrefix(name, "x-amz-") || slices.Contains(lower, name) {
			continue
		}
		switch name {
		case "x-amz-content-sha256":
			q.find(Rule, CausePayloadUnsigned, "", "", "")
		case "x-amz-security-token":
			q.find(Rule, CauseTokenUnsigned, "", "", "")
		default:
			q.find(Rule, CauseHeaderUnsigned, name, "", "")
		}
	}
}

func (q *inquiry) lookAtPayload() {
	stated, sent := q.request.value("X-Amz-Content-Sha256")
	switch {
	case !sent && !q.claim.presigned && isS3Service(q.claim.service):
		q.find(Rule, CausePayloadMissing, "", "", "")
		return
	case !sent:
		return
	case !looksLikePayload(stated):
		q.find(Rule, CausePayloadMalformed, "", stated, "")
		return
	case isHexHash(stated) && stated != strings.ToLower(stated):
		q.find(Rule, CausePayloadCase, "", stated, strings.ToLower(stated))
		return
	case !q.request.bodyKnown || !isHexHash(stated):
		return
	}
	// A body that was cut from the text is not one that was not sent.
	_, hasLength := q.request.value("Content-Length")
	_, chunked := q.request.value("Transfer-Encoding")
	right := hexHash(q.request.body)
	trim := strings.TrimRight(q.request.body, "\r\n") // what an editor added
	switch {
	case chunked, q.request.body == "" && (hasLength || q.request.method != "GET" && q.request.method != "HEAD"):
	case stated == right || stated == hexHash(trim):
		q.agree(PartPayload)
	default:
		if trim == "" {
			right = sigv4.EmptyPayload
		}
		q.find(Rule, CausePayloadDiffers, "", stated, right)
	}
}

func (q *inquiry) lookAtToken() {
	given := q.Credentials != nil && q.Credentials.SessionToken != ""
	switch {
	case q.claim.token == "" && given:
		q.find(Rule, CauseTokenMissing, "", "", "")
	case q.claim.token == "" && strings.HasPrefix(q.claim.accessKey, "ASIA"):
		q.find(Rule, CauseTokenMissing, "", "", "")
	case q.claim.token != "" && given && q.claim.token != q.Credentials.SessionToken:
		q.find(Rule, CauseTokenInvalid, "", q.claim.token, q.Credentials.SessionToken).What = "The session token that was sent is not that of the credentials given here."
	case q.claim.token != "" && given:
		q.agree(PartToken)
	}
}

// lookAtOwnAlone is for a client's canonical request without its request.
func (q *inquiry) lookAtOwnAlone() {
	if q.own == nil || q.served != nil {
		return
	}
	if _, ok := q.own.line("host"); !ok {
		q.find(Rule, CauseHostUnsigned, "host", q.own.names, "")
	}
	presigned := strings.Contains(q.own.query, "X-Amz-Credential=")
	if _, ok := q.own.line("x-amz-content-sha256"); !ok && !presigned {
		f := q.find(Rule, CausePayloadUnsigned, "", "", "")
		f.What = "The header x-amz-content-sha256 is not signed."
		f.Why = "S3 wants that header in every request signed in its header, and wants every x-amz- header signed."
	}
	for _, name := range q.own.headers {
		if isFragile(name.name) {
			q.find(Likely, CauseHeaderFragile, strings.ToLower(name.name), "", "")
		}
	}
	if !presigned && q.own.payload != "" && !looksLikePayload(q.own.payload) {
		q.find(Rule, CausePayloadMalformed, "", q.own.payload, "")
	}
	if twice(q.own.path) {
		q.find(Likely, CausePathTwice, "", q.own.path, "")
	}
	if twice(q.own.query) {
		q.find(Likely, CauseQueryTwice, "", q.own.query, "")
	}
	q.miss("Give the request as it was sent (`curl -v`, or http.client with debuglevel 1): it shows whether what was signed is what was sent.")
}

// twice reports whether s holds an escaped escape.
func twice(s string) bool {
	for {
		_, after, ok := strings.Cut(s, "%25")
		if !ok {
			return false
		}
		if len(after) >= 2 && unhex(after[0]) < 16 && unhex(after[1]) < 16 {
			return true
		}
		s = after
	}
}

const maxSkew = 15 * time.Minute

// lookAtTime says what has expired, and what a clock is off by.
func (q *inquiry) lookAtTime() {
	if q.claim == nil || q.claim.version != 4 || q.claim.date == "" {
		return
	}
	signed, err := time.Parse("20060102T150405Z", q.claim.date)
	if err != nil {
		return
	}
	at, basis := q.Now, Rule
	if q.answer != nil && !q.answer.date().IsZero() {
		at, basis = q.answer.date(), Shown
	}
	if q.claim.presigned {
		q.lookAtExpiry(signed, at)
		return
	}
	switch skew := at.Sub(signed); {
	case at.IsZero():
	case skew < -maxSkew:
		q.find(basis, CauseClock, "", signed.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	case skew > maxSkew && basis == Shown:
		q.find(Shown, CauseClock, "", signed.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	case skew > maxSkew:
		if q.answer == nil && !q.found(Rule) {
			q.find(Likely, CauseOldRequest, "", signed.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
		}
	case basis == Shown:
		q.agree(PartClock)
	}
}

// lookAtExpiry looks at a presigned URL, as of a time that may not be known.
func (q *inquiry) lookAtExpiry(signed, at time.Time) {
	seconds, err := strconv.Atoi(q.claim.expires)
	if err != nil || seconds < 1 || seconds > int(sigv4.MaxPresign/time.Second) {
		if q.claim.expires != "" {
			q.find(Rule, CauseExpires, "", q.claim.expires, "")
		}
		return
	}
	end := signed.Add(time.Duration(seconds) * time.Second)
	switch {
	case at.IsZero():
	case at.After(end):
		q.find(Rule, CauseExpired, "", end.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	case signed.Sub(at) > maxSkew:
		q.find(Rule, CauseNotYet, "", signed.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	default:
		q.agree(PartExpiry)
	}
}

func fromHex(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}
