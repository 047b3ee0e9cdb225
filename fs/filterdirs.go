package fs

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
)

// An nfa goes through a string with all patterns of some filters at the same
// time, to say what they make of strings that begin so.
//
// A state is a set of places, a bit for each: of pattern i those from at[i] to
// at[i]+len, the last of which is its end.
type nfa struct {
	rules []rule
	at    []int
	steps []token // by place; at an end one that is never used
	end   []bool  // by place
	words int     // of a state
	chars []rune  // one of each kind that the patterns tell apart

	mu    sync.Mutex      // guards all below
	known map[string]bool // by state, whether anything that goes on from there is shown
}

// mostStates are looked at for one answer, and as many answers remembered. That is
// far more than patterns have that anybody writes; beyond it a directory is shown.
const mostStates = 4096

func newNFA(rules []rule) *nfa {
	n := &nfa{rules: rules, chars: []rune{0}, known: map[string]bool{}}
	for _, r := range rules {
		n.at = append(n.at, len(n.steps))
		n.steps = append(append(n.steps, r.pattern.tokens...), token{})
		n.end = append(append(n.end, make([]bool, len(r.pattern.tokens))...), true)
		n.chars = append(n.chars, r.pattern.cuts()...)
	}
	slices.Sort(n.chars)
	n.chars = slices.Compact(n.chars)
	n.words = (len(n.steps) + 63) / 64
	return n
}

// add adds a place to a state, and what can be reached from it with no character:
// a star may take none.
func (n *nfa) add(state []uint64, place int) {
	state[place/64] |= 1 << (place % 64)
	if n.steps[place].kind == star {
		n.add(state, place+1)
	}
}

// step sets next to the state behind a character.
func (n *nfa) step(next, state []uint64, r rune) {
	clear(next)
	for w, word := range state {
		for ; word != 0; word &= word - 1 {
			place := w*64 + bits.TrailingZeros64(word)
			switch {
			case n.end[place]:
			case n.steps[place].kind == star:
				n.add(next, place)
			case n.steps[place].takes(r):
				n.add(next, place+1)
			}
		}
	}
}

// shown says whether a string that has led to a state is shown.
func (n *nfa) shown(state []uint64) bool {
	for i, r := range n.rules {
		if end := n.at[i] + len(r.pattern.tokens); state[end/64]&(1<<(end%64)) != 0 {
			return r.include
		}
	}
	return true
}

// anyBelow says whether any string is shown that begins like this.
func (n *nfa) anyBelow(prefix string) bool {
	var some [2][8]uint64 // 512 places, without an allocation
	state, next := some[0][:], some[1][:]
	if n.words > len(state) {
		state, next = make([]uint64, n.words), make([]uint64, n.words)
	}
	state, next = state[:n.words], next[:n.words]
	for _, at := range n.at {
		n.add(state, at)
	}
	for len(prefix) > 0 {
		r, size := char(prefix)
		n.step(next, state, r)
		state, next = next, state
		prefix = prefix[size:]
	}
	if n.shown(state) {
		return true
	}
	var room [64]byte
	n.mu.Lock()
	defer n.mu.Unlock()
	any, ok := n.known[string(stateKey(room[:0], state))]
	if !ok {
		any = n.searchLocked(state)
	}
	return any
}

// searchLocked looks for a string that leads from a state to one that is shown.
func (n *nfa) searchLocked(from []uint64) (found bool) {
	if len(n.known) > mostStates {
		clear(n.known)
	}
	seen := map[string]bool{string(stateKey(nil, from)): true}
	todo := [][]uint64{slices.Clone(from)}
	next := make([]uint64, n.words)
	for len(todo) > 0 && !found {
		state := todo[0]
		todo = todo[1:]
		for _, r := range n.chars {
			n.step(next, state, r)
			key := string(stateKey(nil, next))
			if found = n.shown(next) || n.known[key] || len(seen) > mostStates; found {
				break
			}
			if !seen[key] {
				seen[key] = true
				todo = append(todo, slices.Clone(next))
			}
		}
	}
	if found {
		n.known[string(stateKey(nil, from))] = true
		return true
	}
	for key := range seen { // nothing from here on, from whichever of them
		n.known[key] = false
	}
	return false
}

// stateKey appends a state as the key of a map.
func stateKey(b []byte, state []uint64) []byte {
	for _, word := range state {
		b = binary.NativeEndian.AppendUint64(b, word)
	}
	return b
}
