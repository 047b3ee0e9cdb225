package explain

import (
	"strings"
	"time"
)

// lookAtAnswer says what the server's code and message mean.
func (q *inquiry) lookAtAnswer() {
	a := q.answer
	if a == nil {
		return
	}
	message := strings.ToLower(a.field("Message"))
	says := func(text string) bool { return strings.Contains(message, text) }
	switch a.code() {
	case "":
		switch {
		case q.otherRegion():
		case a.body:
			q.miss("The answer has a body that is not S3's: a proxy or another server wrote it. See that the request arrives at S3.")
		case q.request != nil && q.request.method != "HEAD" && a.announcesBody():
			q.miss("The body of the answer is not there, and it says what is wrong: print it too, or give it as the server's answer.")
		default:
			q.miss("The answer has no body, which an answer to HEAD never has: send the same request as GET and give what comes.")
		}
	case "SignatureDoesNotMatch":
		if q.served == nil {
			q.miss("The server does not tell its canonical request; MinIO and some others do not.")
		}
	case "RequestTimeTooSkewed":
		server := a.field("ServerTime")
		if server == "" && !a.date().IsZero() {
			server = a.date().UTC().Format(time.RFC3339)
		}
		yours := a.field("RequestTime")
		if yours == "" && q.claim != nil {
			yours = q.claim.date
		}
		q.find(Shown, CauseClock, "", yours, server)
	case "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "InvalidRegion":
		q.malformed(message)
	case "PermanentRedirect", "TemporaryRedirect", "Redirect":
		q.elsewhere()
	case "XAmzContentSHA256Mismatch":
		q.find(Shown, CausePayloadDiffers, "", a.field("ClientComputedContentSHA256"), a.field("S3ComputedContentSHA256"))
	case "InvalidAccessKeyId", "XAdminUserNotFound":
		yours := a.field("AWSAccessKeyId")
		if yours == "" && q.claim != nil {
			yours = q.claim.accessKey
		}
		if yours != "" {
			yours = shortKey(yours)
		}
		q.find(Shown, CauseUnknownKey, "", yours, "")
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		q.find(Shown, CauseTokenExpired, "", "", "")
	case "InvalidToken", "InvalidTokenId":
		q.find(Shown, CauseTokenInvalid, "", "", "")
	case "MissingSecurityHeader":
		q.missingHeader(message)
	case "MissingAuthenticationToken":
		q.unsigned(Shown)
	case "InvalidRequest", "InvalidArgument":
		switch {
		case says("x-amz-content-sha256"):
			if q.request != nil && len(q.request.values("x-amz-content-sha256")) > 0 {
				q.find(Shown, CausePayloadMalformed, "", q.request.values("x-amz-content-sha256")[0], "")
			} else {
				q.find(Shown, CausePayloadMissing, "", "", "")
			}
		case says("aws4-hmac-sha256"), says("authorization type"), says("unsupported authorization"):
			switch {
			case q.claim == nil: // it may be of any kind
				q.find(Likely, CauseV2, "", "", "")
			case q.claim.version == 4:
				q.find(Shown, CauseAlgorithm, "", q.claim.algorithm, algorithm)
			case q.claim.version == 2:
				q.find(Shown, CauseV2, "", "", "")
			default:
				q.unsigned(Shown)
			}
		case says("only one auth"):
			q.find(Shown, CauseTwoSignatures, "", "", "")
		case says("security token"):
			q.find(Shown, CauseTokenMissing, "", "", "")
		default:
			q.find(Shown, CauseServerSaid, a.code(), "", "").Why = a.field("Message")
		}
	case "AccessDenied":
		q.denied(message)
	default:
		q.find(Shown, CauseServerSaid, a.code(), "", "").Why = a.field("Message")
	}
}

// otherRegion looks at the region that a server tells with any refusal, which is
// all there is in an answer without a body.
func (q *inquiry) otherRegion() bool {
	region := q.answer.field("Region")
	if region == "" {
		region = q.answer.header("X-Amz-Bucket-Region")
	}
	if region == "" || q.claim == nil || !q.claim.wellFormed || q.claim.region == region {
		return false
	}
	q.find(Shown, CauseRegion, "", q.claim.region, region)
	return true
}

// elsewhere is for an answer that names another address.
func (q *inquiry) elsewhere() {
	q.otherRegion()
	host := ""
	if q.request != nil {
		host, _ = q.request.value("Host")
	}
	if to := q.answer.field("Endpoint"); to != "" && to != host {
		q.find(Shown, CauseEndpoint, "", host, to)
	} else if !q.found(Shown) {
		q.find(Shown, CauseEndpoint, "", "", "")
	}
}

// denied reads the messages that come with AccessDenied.
func (q *inquiry) denied(message string) {
	a := q.answer
	says := func(text string) bool { return strings.Contains(message, text) }
	switch {
	case says("request has expired"):
		q.find(Shown, CauseExpired, "", a.field("Expires"), a.field("ServerTime"))
	case says("not yet valid"):
		q.find(Shown, CauseNotYet, "", "", a.field("ServerTime"))
	case says("which were not signed"):
		names := strings.FieldsFunc(a.field("HeadersNotSigned"), func(r rune) bool { return r == ',' || r == ' ' })
		for _, name := range names[:min(maxHeaders, len(names))] {
			switch name = strings.ToLower(name); name {
			case "host":
				q.find(Shown, CauseHostUnsigned, name, "", "")
			case "x-amz-content-sha256":
				q.find(Shown, CausePayloadUnsigned, "", "", "")
			case "x-amz-security-token":
				q.find(Shown, CauseTokenUnsigned, "", "", "")
			default:
				q.find(Shown, CauseHeaderUnsigned, name, "", "")
			}
		}
	case says("valid date or x-amz-date"):
		q.find(Shown, CauseDateMissing, "", "", "")
	case says("token"):
		q.find(Shown, CauseTokenInvalid, "", "", "")
	case q.claim != nil && q.claim.version == 0:
		q.unsigned(Shown)
	default:
		q.find(Likely, CauseNoPermission, "", "", "")
	}
}

// malformed reads what a server says of an Authorization header or its parameters.
func (q *inquiry) malformed(message string) {
	a, c := q.answer, q.claim
	if c == nil {
		c = &claim{}
	}
	says := func(text string) bool { return strings.Contains(message, text) }
	region := a.field("Region")
	if region == "" {
		region = a.header("X-Amz-Bucket-Region")
	}
	if region == "" && says("region") {
		region = expected(a.field("Message"))
	}
	switch {
	case says("mal-formed"):
		q.find(Shown, CauseCredential, "", "", "")
	case says("service"):
		q.find(Shown, CauseService, "", quoted(a.field("Message"), "service "), "s3")
	case region != "" && region != c.region:
		yours := c.region
		if yours == "" {
			yours = quoted(a.field("Message"), "region ")
		}
		q.find(Shown, CauseRegion, "", yours, region)
	case says("incorrect terminal"), says("incorrect date format"):
		q.find(Shown, CauseScopeMalformed, "", c.scopeIfKnown(), "")
	case says("credential date"):
		q.find(Shown, CauseScopeDate, "", c.day, c.date[:min(8, len(c.date))])
	case says("x-amz-date must"):
		q.find(Shown, CauseDateMalformed, "", c.date, "")
	case says("x-amz-expires must"), says("x-amz-expires should"):
		q.find(Shown, CauseExpires, "", c.expires, "")
	case says("algorithm only"):
		q.find(Shown, CauseAlgorithm, "", c.algorithm, algorithm)
	case says("missing credential"):
		q.find(Shown, CauseAuthorization, "Credential", "", "")
	case says("missing signedheaders"):
		q.find(Shown, CauseAuthorization, "SignedHeaders", "", "")
	case says("missing signature"):
		q.find(Shown, CauseAuthorization, "Signature", "", "")
	default:
		f := q.find(Shown, CauseAuthorization, a.code(), "", "")
		f.What, f.Why = "The server cannot read the signature's statement.", a.field("Message")
	}
}

// quoted is what stands in quotation marks behind word in a message.
func quoted(message, word string) string {
	_, after, ok := strings.Cut(message, word)
	if !ok || after == "" || after[0] != '\'' && after[0] != '"' {
		return ""
	}
	value, _, _ := strings.Cut(after[1:], after[:1])
	return value
}

// expected is what follows "expecting '" in a message.
func expected(message string) string {
	for _, word := range []string{"expecting '", `expecting "`, "expected '", "expecting: "} {
		if _, after, ok := strings.Cut(message, word); ok {
			if i := strings.IndexAny(after, `'";, `); i >= 0 {
				after = after[:i]
			}
			return after
		}
	}
	return ""
}

// missingHeader reads MissingSecurityHeader: which one it is.
func (q *inquiry) missingHeader(message string) {
	name := strings.ToLower(q.answer.field("MissingHeaderName"))
	switch {
	case strings.Contains(message, "content-sha256") || name == "x-amz-content-sha256":
		q.find(Shown, CausePayloadMissing, "", "", "")
	case strings.Contains(message, "security-token") || name == "x-amz-security-token":
		q.find(Shown, CauseTokenMissing, "", "", "")
	case strings.Contains(message, "date") || name == "x-amz-date":
		q.find(Shown, CauseDateMissing, "", "", "")
	default:
		if name == "" {
			name = "a header"
		}
		q.find(Shown, CauseAuthorization, name, "", "").Why = q.answer.field("Message")
	}
}
