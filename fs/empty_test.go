package fs

import (
	"testing"

	"s3mount/s3/s3test"
)

// emptyFiles is a directory of empty files that is known, and the first nine of
// which have been opened.
func emptyFiles(t *testing.T) *reading {
	t.Helper()
	r := newReading(t, 0, nil)
	for i := range 60 {
		r.keys = append(r.keys, inOneDirectory(i))
		r.Put(r.keys[i], s3test.Object{})
	}
	r.know(t, "d/")
	for _, key := range r.keys[:9] {
		r.cat(t, key)
	}
	return r
}

func (r *reading) heads() map[string]int {
	count := map[string]int{}
	for _, q := range r.Log() {
		if q.Op == s3test.Head {
			count[q.Key]++
		}
	}
	return count
}

// A walk does not wait for one empty file after the other.
func TestEmptyFilesAreAskedForAhead(t *testing.T) {
	r := emptyFiles(t)
	if r.guessed() < fewGuesses {
		t.Errorf("%d guesses", r.guessed())
	}
	for _, key := range r.keys[9:] {
		r.cat(t, key)
	}
	for _, key := range r.keys {
		equal(t, "HEADs of "+key, r.heads()[key], 1)
	}
	equal(t, "GETs", r.Count(s3test.Get), 0)
	r.cat(t, r.keys[20])
	equal(t, "HEADs of a file that was opened just now", r.heads()[r.keys[20]], 1)
}

// What was asked ahead and found another is opened as that; what was not
// answered is asked again.
func TestEmptyFilesThatWereAskedForInVain(t *testing.T) {
	r := newReading(t, 0, nil)
	for i := range 60 {
		r.keys = append(r.keys, inOneDirectory(i))
		r.Put(r.keys[i], s3test.Object{})
	}
	r.know(t, "d/")
	r.Put(r.keys[20], s3test.Object{Size: 7})
	r.AddRule(s3test.Rule{Op: s3test.Head, Match: func(q s3test.Request) bool { return q.Key == r.keys[30] },
		Times: 1, Action: s3test.Error(400, "InvalidRequest")})
	for i, key := range r.keys {
		if i != 20 {
			r.cat(t, key)
			continue
		}
		if _, _, status := r.open(t, key); status != estale {
			t.Errorf("open of a file that is not empty any more: %v", status)
		}
	}
	equal(t, "HEADs of a file that were refused once", r.heads()[r.keys[30]], 2)
}
