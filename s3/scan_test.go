package s3

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A shelf is a bucket without a network: sorted keys that are listed as S3 does,
// each answer after a while.
type shelf struct {
	keys  []string
	delay time.Duration
	page  int // entries at most; 0: 1000

	mu       sync.Mutex // guards all below
	asked    int
	now, top int // requests at once
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked++
	s.now++
	s.top = max(s.top, s.now)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	// No two answers come at the same moment, and always in the same order.
	order := fnv.New32()
	order.Write([]byte(r.URL.RawQuery))
	if !sleep(r.Context(), s.delay+time.Duration(order.Sum32()%1000)*s.delay/100_000) {
		return nil, r.Context().Err()
	}
	return says(200, s.answer(r.URL.Query()))(r)
}

// answer is the page that a query asks for. The token is the last entry.
func (s *shelf) answer(q url.Values) string {
	size, _ := strconv.Atoi(q.Get("max-keys"))
	if s.page > 0 {
		size = min(size, s.page)
	}
	prefix, delimiter, after := q.Get("prefix"), q.Get("delimiter"), q.Get("start-after")
	token, skip := q.Get("continuation-token"), false
	if raw, _ := hex.DecodeString(token); len(raw) > 0 {
		token = string(raw)
		after, skip = token[1:], token[0] == 'p'
	}
	i, found := slices.BinarySearch(s.keys, max(after, prefix))
	if found && s.keys[i] == after {
		i++
	}
	var objects, dirs strings.Builder
	next, n := "", 0
	for ; i < len(s.keys) && strings.HasPrefix(s.keys[i], prefix); n++ {
		key := s.keys[i]
		if skip && strings.HasPrefix(key, after) {
			i++
			n--
			continue
		}
		if n == size {
			break
		}
		dir, _, folded := strings.Cut(key[len(prefix):], delimiter)
		if delimiter == "" || !folded {
			objects.WriteString("<Contents><Key>" + escaped(key) + "</Key><Size>1</Size></Contents>")
			next = "k" + key
			i++
			continue
		}
		dir = prefix + dir + delimiter
		dirs.WriteString("<CommonPrefixes><Prefix>" + escaped(dir) + "</Prefix></CommonPrefixes>")
		next = "p" + dir
		for i < len(s.keys) && strings.HasPrefix(s.keys[i], dir) {
			i++
		}
	}
	more := i < len(s.keys) && strings.HasPrefix(s.keys[i], prefix)
	if !more {
		next = ""
	}
	return fmt.Sprintf("<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>%v</IsTruncated><NextContinuationToken>%s</NextContinuationToken>%s%s</ListBucketResult>",
		more, hex.EncodeToString([]byte(next)), objects.String(), dirs.String())
}

func escaped(s string) string { return url.QueryEscape(s) }

func numbered(format string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(format, i)
	}
	return keys
}

// kinds are keys as there are in buckets.
func kinds(n int) map[string][]string {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func(form func(i int) string) []string {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = form(i)
		}
		slices.Sort(keys)
		return slices.Compact(keys)
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return map[string][]string{
		"numbers":       numbered("file-%06d", n),
		"many digits":   numbered("some/long/way/file_%012d.jpg", n),
		"every seventh": random(func(i int) string { return fmt.Sprintf("f%08d", 7*i) }),
		"no padding":    random(func(i int) string { return fmt.Sprint(i) }),
		"hex":           random(func(int) string { return fmt.Sprintf("%016x", rnd.Uint64()) }),
		"uuid": random(func(int) string {
			return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rnd.Uint32(), rnd.Uint32()&0xffff, rnd.Uint32()&0xfff, rnd.Uint32()&0xfff, rnd.Uint64()&0xffffffffffff)
		}),
		"days": random(func(i int) string {
			return day.AddDate(0, 0, i%400).Format("2006-01-02/") + fmt.Sprintf("%04d.log", i/400)
		}),
		"times":    random(func(i int) string { return day.Add(time.Duration(i) * 97 * time.Second).Format("2006/01/02/150405.gz") }),
		"clusters": random(func(i int) string { return fmt.Sprintf("%c%c/part-%05d", 'a'+i%7*3, 'z'-i%7, i/7) }),
		"one of many": random(func(i int) string {
			return []string{"a", "m", "m", "m", "m", "m", "m", "m", "z"}[i%9] + fmt.Sprintf("%07d", i)
		}),
		"half deleted": random(func(i int) string { return fmt.Sprintf("k%07d", rnd.IntN(3*n)) }),
		"words": random(func(i int) string {
			return words[rnd.IntN(len(words))] + "-" + words[rnd.IntN(len(words))] + fmt.Sprint("-", rnd.IntN(n))
		}),
		"UTF-8":         random(func(i int) string { return fmt.Sprintf("фото-%c%c/%04d", 'а'+i%32, 'а'+i/32%32, i/1024) }),
		"no characters": random(func(i int) string { return fmt.Sprintf("\xff%c\xfe%06d", byte(0x80+i%100), i/100) }),
	}
}

var words = strings.Fields("a of the and to in it you he was for on are with as his they be at one have this from or had by hot but some what there we can out other were all your when up use word how said an each she which do their time if will way about many then them would write like so these her long make thing see him two has look more day could go come did my sound no most number who over know water than call first people may down side been now find any new work part take get place made live where after back little only")

// What a long listing costs, and how long it takes: in answers, one after the
// other.
func TestCostOfLongListings(t *testing.T) {
	n, size := 100_000, 1000
	if raced {
		n, size = 20_000, 200
	}
	for name, keys := range kinds(n) {
		for _, delimiter := range []string{"", "/"} {
			o := ListOptions{Delimiter: delimiter, PageSize: size}
			want := model(keys, o)
			pages := max(1, (len(want)+size-1)/size)
			if pages < 4 {
				continue
			}
			t.Run(name+delimiter, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &shelf{keys: keys, delay: 50 * time.Millisecond}
					b := scripted(t, &script{answers: []answerFunc{s.RoundTrip}})
					begin := time.Now()
					got, err := list(t.Context(), b, o)
					rounds := time.Since(begin) / s.delay
					if err != nil || !slices.Equal(names(got), want) {
						t.Errorf("%d entries, %v; want %d", len(got), err, len(want))
					}
					t.Logf("%d pages: %d requests in %d rounds, at most %d at once", pages, s.asked, rounds, s.top)
					if most := pages + max(2, pages*8/100); s.asked > most {
						t.Errorf("%d requests, want at most %d", s.asked, most)
					}
					if s.top > defaultParallel {
						t.Errorf("%d requests at once", s.top)
					}
					if regular := strings.Contains("numbers many digits every seventh", name); regular && (s.asked > pages+3 || rounds > 22) {
						t.Errorf("%d requests in %d rounds for keys that are evenly spread", s.asked, rounds)
					}
				})
			})
		}
	}
}

// Listings that are not long cost what they cost page after page, or two more.
func TestCostOfShortListings(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 1001, 2000, 2001, 3000, 3001, 4000, 5500, 8000, 12_345} {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{keys: numbered("file-%06d", n)}
			b := scripted(t, &script{answers: []answerFunc{s.RoundTrip}})
			got, err := list(t.Context(), b, ListOptions{})
			pages, more := max(1, (n+999)/1000), 2
			if pages <= 3 {
				more = 0
			}
			if err != nil || len(got) != n || s.asked < pages || s.asked > pages+more {
				t.Errorf("%d keys: %d entries, %v, %d requests; want %d, or %d more", n, len(got), err, s.asked, pages, more)
			}
		})
	}
}

// names are entries as model writes them.
func names(entries []Entry) []string {
	var s []string
	for _, e := range entries {
		if e.Prefix {
			s = append(s, "dir "+e.Key)
		} else {
			s = append(s, "key "+e.Key)
		}
	}
	return s
}
