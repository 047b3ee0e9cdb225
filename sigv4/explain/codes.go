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
		q.miss("The answer has no body, which an answer to HEAD never has: send the same request as GET and give what comes.")
	case "SignatureDoesNotMatch":
		if q.served == nil {
			q.miss("The server does not tell its canonical request, as MinIO and some others do not; give the credentials, and the known mistakes are tried until one makes the signature that was sent.")
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
	case "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "InvalidRegion", "PermanentRedirect", "TemporaryRedirect":
		q.malformed(message)
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
		q.find(Shown, CauseUnsigned, "", "", "")
	case "InvalidRequest", "InvalidArgument":
		switch {
		case says("x-amz-content-sha256"):
			if q.request != nil && len(q.request.values("x-amz-content-sha256")) > 0 {
				q.find(Shown, CausePayloadMalformed, "", q.request.values("x-amz-content-sha256")[0], "")
			} else {
				q.find(Shown, CausePayloadMissing, "", "", "")
			}
		case says("aws4-hmac-sha256"), says("authorization type"), says("unsupported authorization"):
			if q.claim != nil && q.claim.version == 4 {
				q.find(Shown, CauseAlgorithm, "", q.claim.algorithm, algorithm)
			} else {
				q.find(Shown, CauseV2, "", "", "")
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
		q.find(Shown, CauseUnsigned, "", "", "")
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
