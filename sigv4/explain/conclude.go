package explain

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// conclude says what follows from all together, and what is missing.
func (q *inquiry) conclude() {
	if k := q.Credentials; k != nil && strings.TrimSpace(k.SecretAccessKey) != k.SecretAccessKey {
		q.find(Likely, CauseSecretBlank, "", "", "").What = "The secret that is given here has a blank or a line end at its beginning or end."
	}
	q.concludeFromAgreement()
	if q.own != nil && q.ownSign == nil && !q.found(Rule) {
		// How it was hashed is not known. An editor may have added these.
		switch {
		case q.own.crlf:
			q.find(Likely, CauseHashCRLF, "", "", "").What = "The canonical request that is given here has CRLF at the ends of its lines."
		case q.own.tail != "" && !q.found(Likely):
			q.find(Likely, CauseHashNewline, "", "", "").What = "The canonical request that is given here has a line end after its last line."
		}
	}
	if q.found(Shown) {
		return
	}
	if q.request == nil {
		q.miss("Give the request as it was sent (`curl -v`, or http.client with debuglevel 1): it shows whether what was signed is what was sent.")
	}
	if q.own == nil {
		q.miss("Give the client's own canonical request: the text that it hashes, printed just before it is hashed.")
	}
	if q.answer == nil {
		q.miss("Give the server's answer: the XML of an error often holds the server's own canonical request and string to sign.")
	}
	if q.Credentials == nil {
		q.miss("Give the credentials: the signature is then computed anew, and the known mistakes are tried until one makes the signature that was sent.")
	}
}

// concludeFromAgreement is for texts that are all equal while the server refuses.
func (q *inquiry) concludeFromAgreement() {
	if q.found(Shown) || slices.Contains(q.agreed, PartSignature) || q.Credentials != nil && q.found(Likely) {
		return
	}
	refused := q.answer == nil || q.answer.code() == "SignatureDoesNotMatch" || q.answer.code() == ""
	if !refused || q.found(Rule) {
		return
	}
	sameText := q.own != nil && q.view() != nil && q.own.exact() == q.view().render()
	sameString := q.ownSign != nil && q.servSign != nil && q.ownSign.exact() == q.servSign.exact()
	hashed := q.ownSign != nil && q.own != nil && q.ownSign.hash == hexHash(q.own.exact())
	switch {
	case sameString:
		q.find(Shown, CauseSecretOrKey, "", "", "")
	case sameText && hashed:
		q.find(Likely, CauseSecretOrKey, "", "", "")
	case sameText && q.ownSign == nil:
		q.find(Likely, CauseSecretOrKey, "", "", "").What = "The canonical request is right and the server refuses: it is the hash of it, the string to sign, the secret, or how the key is made."
		q.miss("Give the client's own string to sign: its last line shows whether the canonical request was hashed byte for byte.")
	case q.own == nil && q.ownSign == nil && q.served != nil && q.derived != nil && q.derived.render() == q.served.render():
		if q.claim.presigned && q.request.method != "GET" && q.request.method != "" {
			q.find(Likely, CausePresignedMethod, "", "", q.request.method)
		}
		q.find(Likely, CauseSignsOther, "", "", "")
	}
}

// signatureRefused reports whether the signature may be why the server refuses: it
// looks at permissions, keys and all else when the signature was right.
func (q *inquiry) signatureRefused() bool {
	if q.answer == nil {
		return true
	}
	switch q.answer.code() {
	case "", "SignatureDoesNotMatch", "InvalidAccessKeyId", "XAdminUserNotFound", "InvalidToken", "InvalidTokenId", "ExpiredToken", "ExpiredTokenException":
		return true
	}
	return false
}

// base64ToHex reads a signature that was written in base64.
func base64ToHex(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 32 {
		return ""
	}
	return hex.EncodeToString(b)
}
