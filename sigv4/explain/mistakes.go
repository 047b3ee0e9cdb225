package explain

import (
	"encoding/binary"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3mount/sigv4"
)

// A mistake is one known way to get a signature wrong.
type mistake struct {
	cause, name  string
	yours, right string // what it makes of a part, and what the part should be
	rare         bool   // not tried together with another
	make         func(a *attempt)
}

// slot says what a mistake is made in: two in one slot do not go together.
func (m mistake) slot() string { return string(causes[m.cause].part) + m.name }

// inCanonical are the mistakes in the parts of the canonical request.
func (q *inquiry) inCanonical(a attempt) []mistake {
	var ms []mistake
	add := func(cause, name, yours, right string, make func(a *attempt)) {
		if yours != right {
			ms = append(ms, mistake{cause: cause, name: name, yours: yours, right: right, make: make})
		}
	}
	raw := a.query
	if q.request != nil && signedQuery(q.request.query) == a.query {
		raw = q.request.query // another was changed on the way
	}
	add(CauseNoQueryLine, "", "no line", a.query, func(a *attempt) { a.noQuery = true })
	presigned := strings.Contains(a.query, "X-Amz-Credential=")
	for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE", strings.ToLower(a.method)} {
		cause := CauseMethod
		switch {
		case method == strings.ToLower(a.method):
			cause = CauseMethodCase
		case presigned:
			cause = CausePresignedMethod
		}
		add(cause, "", method, a.method, func(a *attempt) { a.method = method })
	}
	paths := wrongPaths(a.path)
	if q.request != nil {
		cause := CausePathOtherwise
		if sigv4.CanonicalPath(q.request.path) != a.path {
			cause = CausePathChanged
		}
		paths = append(paths, form{cause, q.request.path}, form{CausePathQuery, q.request.path + "?" + q.request.query})
	}
	if host, ok := a.line("host"); ok {
		bucket, _, _ := strings.Cut(host, ".")
		paths = append(paths, form{CausePathBucket, "/" + bucket + a.path}, form{CausePathURL, "https://" + host + a.path}, form{CausePathURL, "http://" + host + a.path})
	}
	for _, f := range paths {
		add(f.cause, "", f.text, a.path, func(a *attempt) { a.path = f.text })
	}
	for _, f := range wrongQueries(raw, a.query) {
		add(f.cause, "", f.text, a.query, func(a *attempt) { a.query = f.text })
	}
	if presigned {
		untold := slices.DeleteFunc(strings.Split(a.query, "&"), func(p string) bool { return strings.HasPrefix(p, "X-Amz-Security-Token=") })
		add(CauseTokenUnsigned, "", strings.Join(untold, "&"), a.query, func(a *attempt) { a.query = strings.Join(untold, "&") })
	}
	ms = append(ms, q.inHeaders(a)...)
	add(CauseBlankLine, "", "no empty line", "an empty line", func(a *attempt) { a.noHeaderBlank = true })
	if q.claim != nil {
		add(namesCause(q.claim.signed, a.names), "", q.claim.signed, a.names, func(a *attempt) { a.names = q.claim.signed })
	}
	return append(ms, q.inPayload(a)...)
}

// inHeaders are the mistakes in the lines of the headers.
func (q *inquiry) inHeaders(a attempt) []mistake {
	var ms []mistake
	add := func(cause, name, value, right string) {
		if value != right {
			ms = append(ms, mistake{cause: cause, name: name, yours: value, right: right, make: func(a *attempt) { a.setHeader(name, value) }})
		}
	}
	for _, h := range a.headers {
		switch h.name {
		case "host":
			name, port := cutPort(h.value)
			if port != "" {
				add(CauseHostPortMissing, h.name, name, h.value)
			} else {
				for _, port := range []string{":443", ":80", ":9000"} {
					add(CauseHostPortExtra, h.name, h.value+port, h.value)
				}
			}
			if _, rest, ok := strings.Cut(name, "."); ok {
				add(CauseHost, h.name, rest, h.value)
			}
			add(CauseHost, h.name, strings.ToLower(h.value), h.value)
			add(CauseHost, h.name, "localhost", h.value)
			add(CauseHost, h.name, "127.0.0.1", h.value)
		case "accept-encoding":
			for _, v := range []string{"identity", "gzip", "gzip, deflate", "gzip,deflate", "gzip, deflate, br", "gzip, deflate, br, zstd", "*", "", "gzip,gzip(gfe)"} {
				add(CauseHeaderChanged, h.name, v, h.value)
			}
		case "connection":
			for _, v := range []string{"close", "keep-alive", "Keep-Alive"} {
				add(CauseHeaderChanged, h.name, v, h.value)
			}
		case "content-length":
			add(CauseHeaderChanged, h.name, "0", h.value)
		}
		add(CauseHeader, h.name, "", h.value)
		add(CauseHeaderBlanks, h.name, " "+h.value, h.value)
		add(CauseHeaderBlanks, h.name, h.value+" ", h.value)
		if q.request != nil {
			if values := q.request.values(h.name); len(values) == 1 {
				cause := CauseHeaderBlanks
				switch {
				case trimmed(values[0]) == h.value:
				case h.name == "host":
					cause = hostCause(trimmed(values[0]), h.value)
				default:
					cause = CauseHeaderChanged
				}
				add(cause, h.name, values[0], h.value)
				add(cause, h.name, strings.TrimSpace(values[0]), h.value)
			}
		}
		ms = append(ms, mistake{cause: CauseHeaderMissing, name: h.name, right: h.value, make: func(a *attempt) { a.dropHeader(h.name) }})
	}
	return ms
}

// inPayload are the mistakes in the hash of the payload.
func (q *inquiry) inPayload(a attempt) []mistake {
	hashes := []string{sigv4.EmptyPayload, sigv4.UnsignedPayload, strings.ToUpper(a.payload), ""}
	if q.request != nil && q.request.body != "" {
		hashes = append(hashes, hexHash(q.request.body), hexHash(strings.TrimRight(q.request.body, "\r\n")))
	}
	var ms []mistake
	for _, hash := range hashes {
		if hash == a.payload {
			continue
		}
		cause := CausePayloadMismatch
		if strings.EqualFold(hash, a.payload) {
			cause = CausePayloadCase
		}
		ms = append(ms,
			mistake{cause: cause, yours: hash, right: a.payload, make: func(a *attempt) { a.payload = hash }},
			mistake{cause: cause, yours: hash, right: a.payload, make: func(a *attempt) {
				a.payload = hash
				a.setHeader("x-amz-content-sha256", hash)
			}})
	}
	return append(ms, mistake{cause: CausePayloadLine, right: a.payload, make: func(a *attempt) { a.noPayload = true }})
}

// inHash are the mistakes on the way from the canonical request to its hash, and
// in the string to sign.
func (q *inquiry) inHash(a attempt) []mistake {
	var ms []mistake
	for _, h := range hashings {
		ms = append(ms, mistake{cause: h.cause, make: func(a *attempt) { a.hash = h.hash }})
	}
	ms = append(ms, mistake{cause: CauseHashCase, make: func(a *attempt) {
		hash := a.hash
		a.hash = func(s string) string { return strings.ToUpper(hash(s)) }
	}})
	for _, date := range []string{a.date[:min(8, len(a.date))], a.steps[0] + "T000000Z"} {
		ms = append(ms, mistake{cause: CauseDate, yours: date, right: a.date, make: func(a *attempt) { a.date = date }})
	}
	parts := strings.Split(a.scope, "/")
	if len(parts) == 4 && len(a.date) >= 8 {
		day := strings.Join([]string{a.date[:8], parts[1], parts[2], parts[3]}, "/")
		short := strings.Join(parts[:3], "/")
		if day != a.scope {
			ms = append(ms, mistake{cause: CauseScopeDate, yours: day, right: a.scope, make: func(a *attempt) {
				a.scope = day
				a.steps = []string{day[:8], a.steps[1], a.steps[2], a.steps[3]}
			}})
		}
		ms = append(ms, mistake{cause: CauseScopeMalformed, yours: short, right: a.scope, make: func(a *attempt) { a.scope = short }})
		if q.claim != nil {
			whole := q.claim.credential
			ms = append(ms, mistake{cause: CauseScopeMalformed, yours: whole, right: a.scope, make: func(a *attempt) { a.scope = whole }})
		}
		for _, region := range regions {
			scope := strings.Join([]string{parts[0], region, parts[2], parts[3]}, "/")
			ms = append(ms,
				mistake{cause: CauseScope, yours: scope, right: a.scope, rare: true, make: func(a *attempt) { a.scope = scope }},
				mistake{cause: CauseScope, yours: scope, right: a.scope, rare: true, make: func(a *attempt) {
					a.scope = scope
					a.steps = []string{a.steps[0], region, a.steps[2], a.steps[3]}
				}})
		}
	}
	return ms
}

// inSigning are the mistakes between the string to sign and the signature.
func (q *inquiry) inSigning(a attempt) []mistake {
	var ms []mistake
	add := func(cause string, make func(a *attempt)) { ms = append(ms, mistake{cause: cause, make: make}) }
	add(CauseStringNewline, func(a *attempt) { a.toSign = func(s string) string { return s + "\n" } })
	add(CauseStringNewline, func(a *attempt) { a.toSign = func(s string) string { return s + "\r\n" } })
	add(CauseStringCRLF, func(a *attempt) { a.toSign = withCRLF })
	add(CauseStringUTF16, func(a *attempt) {
		a.toSign = func(s string) string { return inUTF16(s, binary.LittleEndian, false) }
	})
	add(CauseKeyPrefix, func(a *attempt) { a.prefix = "" })
	add(CauseKeyHex, func(a *attempt) { a.hexKeys = true })
	add(CauseKeyHex, func(a *attempt) { a.hexLast = true })
	add(CauseKeyArguments, func(a *attempt) { a.swapped = true })
	for i := range a.steps {
		add(CauseKeyStepMissing, func(a *attempt) { a.steps = slices.Delete(slices.Clone(a.steps), i, i+1) })
	}
	steps := a.steps
	step := func(i int, cause, value string, rare bool) {
		if value != steps[i] {
			ms = append(ms, mistake{cause: cause, yours: value, right: steps[i], rare: rare, make: func(a *attempt) {
				a.steps = slices.Clone(a.steps)
				a.steps[min(i, len(a.steps)-1)] = value
			}})
		}
	}
	step(0, CauseKeyDate, a.date, false)
	if len(a.date) >= 8 {
		step(0, CauseKeyDate, a.date[:8], false)
	}
	if day, err := time.Parse("20060102", steps[0]); err == nil {
		step(0, CauseKeyDate, day.AddDate(0, 0, -1).Format("20060102"), false)
		step(0, CauseKeyDate, day.AddDate(0, 0, 1).Format("20060102"), false)
		step(0, CauseKeyDate, day.Format("2006-01-02"), false)
	}
	for _, region := range regions {
		step(1, CauseKeyRegion, region, region != "us-east-1")
	}
	for _, service := range []string{"s3", "S3", "service", "execute-api", "iam", "sts", "aws"} {
		step(2, CauseKeyService, service, service != "s3")
	}
	for _, order := range permutations(4) {
		if !slices.IsSorted(order) {
			swapped := make([]string, 4)
			for i, n := range order {
				swapped[i] = steps[n]
			}
			ms = append(ms, mistake{cause: CauseKeySteps, rare: true, yours: strings.Join(swapped, ", "), right: strings.Join(steps, ", "), make: func(a *attempt) { a.steps = swapped }})
		}
	}
	return append(ms, inSecret(a.secret)...)
}

// inSecret are the mistakes in reading the secret.
func inSecret(secret string) []mistake {
	forms := []form{
		{CauseSecretBlank, strings.Trim(secret, " \t")},
		{CauseSecretLineEnd, strings.TrimRight(secret, "\r\n")},
		{CauseSecretBlank, strings.TrimSpace(secret)},
		{CauseSecretBlank, secret + " "},
		{CauseSecretBlank, " " + secret},
		{CauseSecretBlank, secret + "\t"},
		{CauseSecretLineEnd, secret + "\n"},
		{CauseSecretLineEnd, secret + "\r\n"},
		{CauseSecretLineEnd, secret + "\r"},
		{CauseSecretQuoted, `"` + secret + `"`},
		{CauseSecretQuoted, "'" + secret + "'"},
		{CauseSecretEscaped, sigv4.EscapeQuery(secret)},
		{CauseSecretEscaped, url.QueryEscape(secret)},
		{CauseSecretEscaped, unescape(secret)},
		{CauseSecretEscaped, strings.ReplaceAll(secret, "+", " ")},
	}
	if len(secret) > 1 {
		forms = append(forms, form{CauseSecretCut, secret[:len(secret)-1]}, form{CauseSecretCut, secret[1:]})
	}
	var ms []mistake
	for _, f := range forms {
		if f.text != secret {
			ms = append(ms, mistake{cause: f.cause, make: func(a *attempt) { a.secret = f.text }})
		}
	}
	return ms
}

// permutations are all orders of n things.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// regions are those that a signer is most likely to have by mistake.
var regions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
	"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
	"ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-east-1",
	"me-south-1", "me-central-1", "il-central-1", "af-south-1", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1",
	"EU", "US", "auto", "default", "us-standard", "garage", "",
}
