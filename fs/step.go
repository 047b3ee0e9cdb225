package fs

// elsewhere says that a step is none in an order.
const elsewhere = -1

var nowhere = [orders]int{elsewhere, elsewhere}

// A step is what a walk would be with one more step.
type step struct {
	run  [orders]int
	sure int
}

const (
	near  = 1 + iota // a few entries on or back
	exact            // to the very next entry
	usual            // likewise, in the order in which the walk goes, or which most do
)

// step gives the step from one name to another, with so many others left out
// before. The zero step is none.
func (k *walk) step(l *listing, from, to string, left [orders]int) (s step) {
	for o := range orders {
		a := -1
		if from != "" {
			a, _ = l.rank(o, from)
		}
		b, ok := l.rank(o, to)
		d := b - a
		sure := near
		switch {
		case !ok || left[o] == elsewhere || d > skipMost || d < -disorder:
			continue
		case d+left[o] == 1:
			s.run[o] = k.run[o] + nextStep
			if sure = exact; o == asListed || k.run[o] > 0 {
				sure = usual
			}
		case o == byInode && k.run[o] == 0: // of a hundred files a quarter would be near
			continue
		case d > 0 && d+left[o] > skipMost: // the way goes on, and that is all
			s.run[o] = k.run[o]
		case d > 0:
			s.run[o] = k.run[o] + nearStep
		default:
			s.run[o] = max(k.run[o]-stepsBack, 0)
		}
		s.sure = max(s.sure, sure)
	}
	return s
}

// lose takes evidence away.
func (k *walk) lose(n int) {
	for o := range orders {
		k.run[o] = max(k.run[o]-n, 0)
	}
}

// recognised says whether there is evidence enough, and for which order.
func (k *walk) recognised() bool {
	enough := evidence << min(k.doubt, 8)
	for o := range orders {
		if k.run[o] >= enough {
			k.order = o
			return true
		}
	}
	return false
}
