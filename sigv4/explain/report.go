package explain

import (
	"cmp"
	"slices"
)

// A Report is what Explain found.
type Report struct {
	Findings []Finding `json:"findings"` // what is wrong, the most certain first
	Agreed   []Part    `json:"agreed"`   // what was compared and is equal
	Missing  []string  `json:"missing"`  // what would tell more: sentences that say how to get it
}

// A Finding is one thing that is wrong. Whatever it shows is redacted: of a
// signature the first four digits, of a session token its length and its first
// four characters, of a secret nothing.
type Finding struct {
	Part   Part   `json:"part"`
	Name   string `json:"name"`   // of the header or parameter
	Basis  Basis  `json:"basis"`  // how certain it is
	Yours  string `json:"yours"`  // what the client has
	Server string `json:"server"` // what S3 has, or requires
	Differ int    `json:"differ"` // index of the first byte that differs in Yours and Server; -1: nothing to compare
	Cause  string `json:"cause"`  // one of the Cause constants
	What   string `json:"what"`
	Why    string `json:"why"`
	Fix    string `json:"fix"`
}

// A Basis is how certain a finding is.
type Basis string

const (
	// Shown is proven: by what the server says it computed or refused, or
	// because the mistake makes the very signature that was sent.
	Shown Basis = "shown"
	// Rule is a rule of S3 that is broken, whatever the server says.
	Rule Basis = "rule"
	// Likely is what usually is the reason.
	Likely Basis = "likely"
)

// A Part is what a finding is about.
type Part string

// The parts in the order in which a signature is made of them, which is the order
// of findings that are equally certain.
const (
	PartRequest       Part = "request"
	PartMethod        Part = "method"
	PartPath          Part = "path"
	PartQuery         Part = "query"
	PartHeader        Part = "header"
	PartSignedHeaders Part = "signed headers"
	PartPayloadHash   Part = "payload hash"
	PartCanonical     Part = "canonical request" // its form: line ends, bytes, its hash
	PartStringToSign  Part = "string to sign"    // its form
	PartAlgorithm     Part = "algorithm"
	PartDate          Part = "date"
	PartRegion        Part = "region"
	PartScope         Part = "scope"
	PartCredential    Part = "credential"
	PartKey           Part = "signing key"
	PartSecret        Part = "secret"
	PartSignature     Part = "signature"
	PartToken         Part = "session token"
	PartClock         Part = "clock"
	PartExpiry        Part = "expiry"
	PartPayload       Part = "payload" // the body
	PartServer        Part = "server"
)

var (
	parts = []Part{
		PartRequest, PartMethod, PartPath, PartQuery, PartHeader, PartSignedHeaders, PartPayloadHash, PartCanonical,
		PartStringToSign, PartAlgorithm, PartDate, PartRegion, PartScope, PartCredential, PartKey, PartSecret, PartSignature,
		PartToken, PartClock, PartExpiry, PartPayload, PartServer,
	}
	bases = []Basis{Shown, Rule, Likely}
)

// order sorts findings: the certain ones first, then by part, then as they came.
// That of another version comes before all: nothing else holds for it.
func order(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(
			-cmp.Compare(rank(a.Cause == CauseV2), rank(b.Cause == CauseV2)),
			cmp.Compare(slices.Index(bases, a.Basis), slices.Index(bases, b.Basis)),
			cmp.Compare(slices.Index(parts, a.Part), slices.Index(parts, b.Part)),
		)
	})
}

func rank(first bool) int {
	if first {
		return 1
	}
	return 0
}

// once leaves of findings with one cause about one thing the most certain, and
// drops those that only say that something differs where another says how.
func once(fs []Finding) []Finding {
	order(fs)
	var out []Finding
	for _, f := range fs {
		same := func(g Finding) bool {
			if g.Part != f.Part || g.Name != f.Name {
				return false
			}
			return g.Cause == f.Cause || vague[f.Cause]
		}
		if i := slices.IndexFunc(out, same); i >= 0 {
			continue
		}
		// A more certain but vague finding takes on what the other knows.
		i := slices.IndexFunc(out, func(g Finding) bool { return g.Part == f.Part && g.Name == f.Name && vague[g.Cause] })
		if i >= 0 {
			f.Basis = out[i].Basis
			out[i] = f
			continue
		}
		out = append(out, f)
	}
	return out
}

// firstDifference is the index of the first byte that differs, -1 if none does.
func firstDifference(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return n
}
