package explain

import (
	"slices"
	"strings"
	"time"

	"s3mount/sigv4"
)

// Evidence is what is known of a refused request. Any of it may be missing, but
// not all.
type Evidence struct {
	// Request is the request as it was sent: raw HTTP/1.x, or what `curl -v`
	// prints, or the debug lines of Python's http.client, or the debug log of
	// botocore, or a presigned URL.
	Request string
	// CanonicalRequest and StringToSign are the client's own.
	CanonicalRequest string
	StringToSign     string
	// Response is the server's answer: its XML, or the whole HTTP response, or
	// what `curl -v` or http.client print of it. One that stands in Request is
	// used if this is empty.
	Response string
	// Credentials are those the request was meant to be signed with; nil if not
	// known. With them the signature is computed anew and the known mistakes are
	// tried until one makes the signature that was sent.
	Credentials *sigv4.Credentials
	// Now is for what has expired; if it is zero that is not looked at.
	Now time.Time
}

// An InputError says which part of the evidence cannot be read. It repeats
// nothing of it.
type InputError struct {
	Field   string // "request", "canonical-request", "string-to-sign", "response"; "" if there is no evidence at all
	Problem string
	Hint    string // what to do about it
}

func (e *InputError) Error() string {
	if e.Field == "" {
		return "explain: " + e.Problem
	}
	return "explain: " + e.Field + ": " + e.Problem
}

// maxEvidence bounds each text: what is explained is one request without much of
// a body.
const maxEvidence = 1 << 20

// maxHeaders bounds the lines and names of headers, each of which is looked for
// among the others. Servers take 8 to 64 KiB of them.
const maxHeaders = 1000

// An inquiry is the evidence taken apart, and what has been found so far.
type inquiry struct {
	Evidence
	request  *request   // as sent; nil if not known
	claim    *claim     // what the request says of its signature; nil without a request
	own      *canonical // the client's own
	ownSign  *toSign    // the client's own
	answer   *answer    // the server's
	served   *canonical // the server's view, from its answer
	servSign *toSign    // the server's view
	derived  *canonical // what S3 makes of the request as sent

	findings []Finding
	compared int // so many of them are of the server's answer and of comparing texts
	agreed   []Part
	missing  []string
}

// Explain says what is wrong, the most certain first. The error is an
// *InputError: there is no evidence, or it cannot be read.
func Explain(e Evidence) (Report, error) {
	q, err := read(e)
	if err != nil {
		return Report{}, err
	}
	q.lookAtAnswer()
	q.compareCanonical()
	q.compareToSign()
	q.compared = len(q.findings)
	q.lookAtRequest()
	q.lookAtTime()
	q.tryMistakes()
	q.conclude()
	return q.report(), nil
}

// read takes the evidence apart.
func read(e Evidence) (*inquiry, error) {
	for _, text := range []struct{ field, text string }{
		{"request", e.Request}, {"canonical-request", e.CanonicalRequest}, {"string-to-sign", e.StringToSign}, {"response", e.Response},
	} {
		if len(text.text) > maxEvidence {
			return nil, &InputError{text.field, "longer than a mebibyte", "leave out the body, or shorten it"}
		}
	}
	blank := func(s string) bool { return strings.TrimSpace(s) == "" }
	if isBotocore(e.Request) {
		log := fromBotocore(e.Request)
		e.Request = log.request
		for own, logged := range map[*string]string{&e.CanonicalRequest: log.canonical, &e.StringToSign: log.toSign, &e.Response: log.response} {
			if blank(*own) {
				*own = logged
			}
		}
		if blank(e.Request) && blank(log.canonical) {
			return nil, &InputError{"request", "this log of botocore has no request in it that was signed", "log at level DEBUG: `aws --debug`, or boto3.set_stream_logger('')"}
		}
	}
	q := &inquiry{Evidence: e}
	if blank(e.Request) && blank(e.CanonicalRequest) && blank(e.StringToSign) && blank(e.Response) {
		return nil, &InputError{"", "nothing to explain", "give the request, the client's canonical request or string to sign, or the server's answer"}
	}
	if !blank(e.Request) {
		request, response, err := readRequest(e.Request)
		if err != nil {
			return nil, err
		}
		q.request, q.claim = request, readClaim(request)
		if len(q.claim.names()) > maxHeaders {
			return nil, &InputError{"request", "over 1000 signed headers", "see that SignedHeaders is the list of the headers that are signed"}
		}
		if blank(e.Response) {
			q.Response = response
		}
	}
	if !blank(e.CanonicalRequest) {
		own, err := readCanonical(e.CanonicalRequest)
		if err != nil {
			return nil, err
		}
		q.own = own
	}
	if !blank(e.StringToSign) {
		own, err := readToSign(e.StringToSign)
		if err != nil {
			return nil, err
		}
		q.ownSign = own
	}
	if !blank(q.Response) {
		answer, err := readAnswer(q.Response)
		if err != nil && !blank(e.Response) {
			return nil, err
		}
		q.answer = answer // of one that stood in the request, what could be read
	}
	if q.answer != nil {
		q.served, q.servSign = q.answer.canonical(), q.answer.toSign()
	}
	if q.request != nil && q.claim.version == 4 {
		q.derived = derive(q.request, q.claim)
	}
	return q, nil
}

// find adds what the table of causes says.
func (q *inquiry) find(basis Basis, cause, name, yours, server string) *Finding {
	row := causes[cause]
	fill := strings.NewReplacer("{name}", name)
	f := Finding{
		Part: row.part, Name: name, Basis: basis, Yours: yours, Server: server, Differ: -1,
		Cause: cause, What: fill.Replace(row.what), Why: fill.Replace(row.why), Fix: fill.Replace(row.fix),
	}
	if yours != "" && server != "" {
		f.Differ = 0 // to be counted when all is redacted
	}
	q.findings = append(q.findings, f)
	return &q.findings[len(q.findings)-1]
}

// agree notes that a part was compared and is equal.
func (q *inquiry) agree(p Part) {
	if !slices.Contains(q.agreed, p) {
		q.agreed = append(q.agreed, p)
	}
}

func (q *inquiry) miss(sentence string) {
	if !slices.Contains(q.missing, sentence) {
		q.missing = append(q.missing, sentence)
	}
}

// found reports whether something at least as certain as basis was found.
func (q *inquiry) found(basis Basis) bool {
	return slices.ContainsFunc(q.findings, func(f Finding) bool {
		return slices.Index(bases, f.Basis) <= slices.Index(bases, basis)
	})
}

// report is what was found, in order and redacted.
func (q *inquiry) report() Report {
	hide := newRedactor(q)
	r := Report{Findings: []Finding{}, Agreed: []Part{}, Missing: []string{}}
	for _, f := range once(q.findings) {
		f.Name, f.What, f.Why, f.Fix = hide.redact(f.Name), hide.sentence(f.What), hide.sentence(f.Why), hide.sentence(f.Fix)
		f.Yours, f.Server = hide.redact(f.Yours), hide.redact(f.Server)
		if f.Differ >= 0 {
			f.Differ = firstDifference(f.Yours, f.Server)
		}
		r.Findings = append(r.Findings, f)
	}
	for _, p := range parts {
		wrong := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Part == p })
		if slices.Contains(q.agreed, p) && !wrong {
			r.Agreed = append(r.Agreed, p)
		}
	}
	for _, s := range q.missing {
		r.Missing = append(r.Missing, hide.sentence(s))
	}
	return r
}
