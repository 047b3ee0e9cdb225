package s3test

import (
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// A Rule has requests answered wrongly. A request must fit all the fields that
// are set.
type Rule struct {
	Op     Op                 // "": any
	Key    string             // the key, or the prefix of a LIST
	Prefix string             // of the key
	Glob   string             // of the key, as path.Match has it
	Match  func(Request) bool // whatever else

	Skip  int // so many that fit are left alone first
	Times int // so many then meet Action; 0: all

	Action Action // nil: answered as they should be, whatever later rules say
}

func (r *Rule) fits(q Request) bool {
	if r.Op != "" && r.Op != q.Op || r.Key != "" && r.Key != q.Key || !strings.HasPrefix(q.Key, r.Prefix) {
		return false
	}
	if r.Glob != "" {
		if ok, err := path.Match(r.Glob, q.Key); err != nil || !ok {
			return false
		}
	}
	return r.Match == nil || r.Match(q)
}

// rules are tried in order; one that has acted ends the search.
type rules struct {
	mu   sync.Mutex
	list []*countedRule
}

type countedRule struct {
	Rule
	seen int // requests that fitted
}

// AddRule adds rules behind those that there are.
func (s *Server) AddRule(rules ...Rule) { s.rules.add(rules...) }

// ClearRules ends all rules. A request that has met one keeps its fault.
func (s *Server) ClearRules() {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	s.rules.list = nil
}

func (rs *rules) add(list ...Rule) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, r := range list {
		rs.list = append(rs.list, &countedRule{Rule: r})
	}
}

// meet is the fault that a request gets, nil if none.
func (rs *rules) meet(q Request) Action {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, r := range rs.list {
		if r.Times > 0 && r.seen >= r.Skip+r.Times || !r.fits(q) {
			continue
		}
		r.seen++
		if r.seen > r.Skip {
			return r.Action
		}
	}
	return nil
}

// An Action changes how one request is answered. Actions come from this
// package's functions.
type Action func(*plan)

// A plan is how a request is answered. The zero value, but for the offsets, is
// as it should be.
type plan struct {
	ignore map[string]bool  // headers, in canonical form, and parameters of the request
	custom http.HandlerFunc // answers instead
	raw    *string          // is sent instead
	reply  func() *answer   // instead of the answer that is due
	edits  []func(*answer)  // of it

	delay  time.Duration // before all else
	end    ending
	endAt  int64           // of the body
	hold   <-chan struct{} // waited for at holdAt; nil: for ever
	holdAt int64           // never: not at all
	drip   time.Duration   // between bytes, from dripAt on
	dripAt int64

	framing framing
	surplus int64 // bytes sent after what Content-Length says
}

// BeforeHeaders is the offset of a fault that comes before the status line.
const BeforeHeaders = -1

const never = -2

type ending int

const (
	endsWell ending = iota
	endsWithReset
	endsWithClose
)

type framing int

const (
	framedByLength framing = iota
	framedInChunks
	framedByClose
)

func newPlan(a Action) *plan {
	p := &plan{holdAt: never, dripAt: never, endAt: never}
	if a != nil {
		a(p)
	}
	return p
}

// needsConn says that net/http would not send an answer like this.
func (p *plan) needsConn(a *answer) bool {
	_, framed := a.header["Content-Length"]
	return p.end != endsWell || p.framing != framedByLength || p.surplus != 0 || framed
}

// limit is how much of a body of n bytes is sent.
func (p *plan) limit(n int64) int64 {
	if p.end != endsWell {
		return min(n, p.endAt)
	}
	return n
}
