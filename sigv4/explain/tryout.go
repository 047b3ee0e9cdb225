package explain

import "strings"

const (
	// How many signatures with two mistakes are made, and of how much text: what
	// is looked for in vain must end too.
	maxPairTries = 20000
	maxPairBytes = 16 << 20
)

// tryMistakes computes the signature of what was sent, then of what was sent with
// each of the known mistakes, then with two of them, until one is the signature
// that was sent.
func (q *inquiry) tryMistakes() {
	sent := q.sentSignature()
	base, ok := q.baseAttempt()
	if sent == "" || !ok {
		return
	}
	if q.view() != nil && base.signature() == sent {
		for _, p := range []Part{PartKey, PartSecret, PartSignature} {
			q.agree(p)
		}
		if q.answer != nil && q.answer.code() == "SignatureDoesNotMatch" && !q.found(Shown) {
			q.serverSecret()
		}
		return
	}
	if q.tryOwn(base, sent) {
		return
	}
	if q.signedAsSent(base, sent) {
		return
	}
	if q.view() != nil {
		ms := append(q.inCanonical(base), append(q.inHash(base), q.inSigning(base)...)...)
		if q.try(base, ms, sent) {
			return
		}
	}
	if !q.found(Shown) && q.signatureRefused() {
		q.find(Likely, CauseNotReproduced, "", "", "")
	}
}

// signedAsSent reports whether the signature is that of the request as it was
// sent. Then the client signs as it should, and what the server has otherwise,
// which was compared, was changed on the way.
func (q *inquiry) signedAsSent(base attempt, sent string) bool {
	if q.served == nil || q.derived == nil {
		return false
	}
	base.text = q.derived.render()
	if base.signature() != sent {
		return false
	}
	q.agree(PartKey)
	q.agree(PartSecret)
	return true
}

// serverSecret is for a signature that is right by the credentials given, and is
// refused. Where the server tells its texts, and they are those of the request,
// only the secret is left.
func (q *inquiry) serverSecret() {
	if q.served == nil || q.derived == nil || q.served.render() != q.derived.render() {
		q.find(Likely, CauseServerSecret, "", "", "")
		return
	}
	f := q.find(Shown, CauseServerSecret, "", "", "")
	f.Why = "The server made the same canonical request of it, so what differs is the secret: the server has another one for this access key."
	f.Fix = "Check that key id and secret belong together, and to this server."
}

// tryOwn begins with the client's own texts: what is wrong between them and S3's
// was compared; what is left is how they were hashed and signed.
func (q *inquiry) tryOwn(base attempt, sent string) bool {
	own := base
	var ms []mistake
	switch {
	case q.ownSign != nil:
		own.given = q.ownSign.exact()
		ms = q.inSigning(base)
	case q.own != nil:
		own.text = q.own.exact()
		ms = append(q.inHash(base), q.inSigning(base)...)
	default:
		return false
	}
	if own.signature() == sent {
		q.agree(PartKey)
		q.agree(PartSecret)
		q.prove()
		return true
	}
	if !q.try(own, ms, sent) {
		return false
	}
	q.prove()
	return true
}

// prove makes findings about the client's texts certain: the signature that was
// sent is of these texts.
func (q *inquiry) prove() {
	for i := range q.findings {
		if f := &q.findings[i]; f.Basis == Rule && i < q.compared {
			f.Basis = Shown
		}
	}
}

// try looks for one mistake, then for two, that make the signature sent.
func (q *inquiry) try(base attempt, ms []mistake, sent string) bool {
	for _, m := range ms {
		a := base
		if m.make(&a); a.signature() == sent {
			q.reproduced(m)
			return true
		}
	}
	tries, most := 0, min(maxPairTries, maxPairBytes/(1+len(base.canonicalText())))
	for i, first := range ms {
		if first.rare {
			continue
		}
		for _, second := range ms[i+1:] {
			if second.rare || first.slot() == second.slot() {
				continue
			}
			if tries++; tries > most {
				return false
			}
			a := base
			first.make(&a)
			if second.make(&a); a.signature() == sent {
				q.reproduced(first)
				q.reproduced(second)
				return true
			}
		}
	}
	return false
}

func (q *inquiry) reproduced(m mistake) {
	f := q.find(Shown, m.cause, m.name, m.yours, m.right)
	f.Why = "With this mistake the signature comes out as it was sent. " + f.Why
}

// view is S3's canonical request: the server's own, or what follows from the
// request.
func (q *inquiry) view() *canonical {
	if q.served != nil {
		return q.served
	}
	return q.derived
}

// sentSignature is the signature that was sent, as small hexadecimal digits.
func (q *inquiry) sentSignature() string {
	sig := ""
	if q.claim != nil && q.claim.version == 4 {
		sig = q.claim.signature
	}
	if sig == "" && q.answer != nil {
		sig = q.answer.field("SignatureProvided")
	}
	if !isHexHash(sig) {
		sig = base64ToHex(sig)
	}
	return strings.ToLower(sig)
}

// baseAttempt is the signature as it should be.
func (q *inquiry) baseAttempt() (attempt, bool) {
	if q.Credentials == nil || q.Credentials.SecretAccessKey == "" {
		return attempt{}, false
	}
	a := attempt{hash: hexHash, algorithm: algorithm, prefix: "AWS4", secret: q.Credentials.SecretAccessKey, keys: map[keyID][]byte{}}
	switch {
	case q.claim != nil && q.claim.version == 4:
		a.date, a.scope = q.claim.date, q.claim.scope()
	case q.servSign != nil:
		a.date, a.scope = q.servSign.date, q.servSign.scope
	case q.ownSign != nil:
		a.date, a.scope = q.ownSign.date, q.ownSign.scope
	default:
		return a, false
	}
	if a.steps = strings.Split(a.scope, "/"); len(a.steps) != 4 {
		return a, false
	}
	if v := q.view(); v != nil {
		a.canonical = *v
		a.text = "" // made of its parts, in which mistakes are made
	}
	return a, true
}
