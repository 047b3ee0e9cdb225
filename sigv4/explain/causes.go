package explain

// The causes, stable names that a program may compare.
const (
	// Of the request as a whole.
	CauseUnsigned      = "unsigned"       // no signature in the request
	CauseV2            = "signature-v2"   // signed with version 2
	CauseTwoSignatures = "two-signatures" // in the header and in the URL
	CauseAuthorization = "authorization-incomplete"
	CauseAlgorithm     = "algorithm-unsupported"

	// Of the parts of the canonical request.
	CauseMethod           = "method-differs"
	CauseMethodCase       = "method-lower-case"
	CausePresignedMethod  = "presigned-other-method"
	CausePathCleaned      = "path-cleaned"
	CausePathTwice        = "path-escaped-twice"
	CausePathUnescaped    = "path-not-escaped"
	CausePathOtherwise    = "path-escaped-otherwise" // some characters left alone, or small digits
	CausePathPlus         = "path-plus-for-blank"
	CausePathSlash        = "path-slash-escaped"
	CausePathQuery        = "path-with-query"
	CausePathURL          = "path-is-url"
	CausePathEmpty        = "path-empty"
	CausePathBucket       = "path-bucket" // with the bucket where it is in the host, or without
	CausePath             = "path-differs"
	CauseMethodChanged    = "method-changed" // on the way
	CausePathChanged      = "path-changed"   // on the way
	CauseQueryChanged     = "query-changed"  // on the way
	CauseNoQueryLine      = "no-query-line"
	CauseQueryDropped     = "query-dropped"
	CauseQueryUnsorted    = "query-unsorted"
	CauseQueryUnescaped   = "query-not-escaped"
	CauseQueryTwice       = "query-escaped-twice"
	CauseQueryOtherwise   = "query-escaped-otherwise"
	CauseQueryPlus        = "query-plus-for-blank"
	CauseQueryEquals      = "query-without-equals"
	CauseQueryMark        = "query-with-question-mark"
	CauseQuerySignature   = "query-with-signature"
	CauseQuery            = "query-differs"
	CauseHostPortMissing  = "host-port-missing"
	CauseHostPortExtra    = "host-port-extra"
	CauseHost             = "host-differs"
	CauseHostUnsigned     = "host-not-signed"
	CauseHeaderChanged    = "header-changed" // on the way
	CauseHeaderMissing    = "header-missing" // from the canonical request
	CauseHeaderExtra      = "header-extra"
	CauseHeaderBlanks     = "header-blanks"
	CauseHeaderNameCase   = "header-name-case"
	CauseHeadersUnsorted  = "headers-unsorted"
	CauseHeader           = "header-differs"
	CauseHeaderUnsigned   = "header-not-signed"
	CauseHeaderNotSent    = "header-not-sent"
	CauseHeaderFragile    = "header-fragile"
	CauseNamesUnsorted    = "signed-headers-unsorted"
	CauseNamesCase        = "signed-headers-case"
	CauseNamesSeparator   = "signed-headers-separator"
	CauseNames            = "signed-headers-differ"
	CausePayloadMismatch  = "payload-hash-mismatch"
	CausePayloadCase      = "payload-hash-case"
	CausePayloadMissing   = "payload-header-missing"
	CausePayloadUnsigned  = "payload-header-not-signed"
	CausePayloadLine      = "no-payload-line"
	CausePayloadMalformed = "payload-hash-malformed"
	CausePayloadDiffers   = "payload-differs" // the body is another
	CauseBlankLine        = "no-blank-line"
	CauseHashCRLF         = "hash-of-crlf"
	CauseHashNewline      = "hash-of-final-newline"
	CauseHashUTF16        = "hash-of-utf16"
	CauseHashIndented     = "hash-of-indented"
	CauseHashBackslash    = "hash-of-backslash-n"
	CauseHashTwice        = "hash-of-hash"
	CauseHashCase         = "hash-upper-case"
	CauseHash             = "hash-differs"
	CauseStringNewline    = "string-to-sign-final-newline"
	CauseStringCRLF       = "string-to-sign-crlf"
	CauseStringUTF16      = "string-to-sign-utf16"
	CauseDate             = "date-differs"
	CauseDateMissing      = "date-missing"
	CauseDateMalformed    = "date-malformed"
	CauseScopeDate        = "scope-date"
	CauseScopeMalformed   = "scope-malformed"
	CauseScope            = "scope-differs"
	CauseRegion           = "wrong-region"
	CauseService          = "wrong-service"
	CauseCredential       = "credential-malformed"
	CauseOtherKey         = "other-access-key"
	CauseUnknownKey       = "unknown-access-key"
	CauseKeyPrefix        = "key-without-aws4"
	CauseKeySteps         = "key-steps-swapped"
	CauseKeyStepMissing   = "key-step-missing"
	CauseKeyHex           = "key-of-hex"
	CauseKeyDate          = "key-date"
	CauseKeyRegion        = "key-region"
	CauseKeyService       = "key-service"
	CauseKeyArguments     = "key-arguments-swapped"
	CauseSecretBlank      = "secret-blank"
	CauseSecretLineEnd    = "secret-line-end"
	CauseSecretCut        = "secret-cut"
	CauseSecretEscaped    = "secret-escaped"
	CauseSecretQuoted     = "secret-quoted"
	CauseSecretOrKey      = "secret-or-key"
	CauseSignatureForm    = "signature-malformed"
	CauseNotReproduced    = "signature-not-reproduced"
	CauseServerSecret     = "server-has-other-secret"
	CauseSignsOther       = "client-signs-other"
	CauseTokenMissing     = "session-token-missing"
	CauseTokenUnsigned    = "session-token-not-signed"
	CauseTokenExpired     = "session-token-expired"
	CauseTokenInvalid     = "session-token-invalid"
	CauseClock            = "clock-skew"
	CauseExpired          = "presigned-expired"
	CauseExpires          = "presigned-expiry-malformed"
	CauseNotYet           = "presigned-not-yet-valid"
	CauseNoPermission     = "no-permission"
	CauseEndpoint         = "wrong-endpoint"
	CauseServerSaid       = "server-said" // a code that has no name here
	CauseOldRequest       = "request-old"
)

// vague causes say that parts differ, not how.
var vague = map[string]bool{
	CausePath: true, CauseQuery: true, CauseHeader: true, CauseHost: true, CauseNames: true, CauseMethod: true,
	CauseHash: true, CauseScope: true, CauseSecretOrKey: true, CauseNotReproduced: true, CauseSignsOther: true, CauseServerSecret: true,
}
