package s3test

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An Object is one version of what a key holds.
type Object struct {
	Size int64  // of the generated content; of Body when that is given
	Body []byte // nil: the content is ContentAt(key, ETag, ...); not to be changed afterwards

	ETag         string      // as in the header, with quotes; "": a new one with each Put
	VersionID    string      // "": a new one with each Put if the bucket is versioned
	LastModified time.Time   // zero: now by the server's clock; kept in whole seconds
	StorageClass string      // "": STANDARD; GLACIER and DEEP_ARCHIVE can be listed but not read
	Header       http.Header // more headers of GET and HEAD, such as Content-Encoding
}

// Put makes o the object of key and returns it as it is now, with its ETag. It
// replaces what was there.
func (s *Server) Put(key string, o Object) Object { return s.store.put(key, o, s.now()) }

// PutRange puts name(0) to name(n-1), each a version of its own. It is the quick
// way to millions of keys; without ETag and headers in o one costs about 100
// bytes and its name.
func (s *Server) PutRange(n int, name func(i int) string, o Object) {
	s.store.putRange(n, name, o, s.now())
}

// Delete takes key away. In a versioned bucket its versions stay readable by id,
// and a delete marker says that there is none.
func (s *Server) Delete(key string) { s.store.delete(key, s.now()) }

// DeleteAt is Delete at a time of its own, as Object.LastModified is one for Put.
func (s *Server) DeleteAt(key string, at time.Time) { s.store.delete(key, at) }

// DeleteVersion takes one version away for good, be it the present one. It says
// whether there was one.
func (s *Server) DeleteVersion(key, versionID string) bool {
	return s.store.deleteVersion(key, versionID)
}

// Object is the present object of key.
func (s *Server) Object(key string) (Object, bool) { return s.store.get(key, "") }

// A version is an Object in the form in which millions of them fit.
type version struct {
	size     int64
	modified int64 // seconds since 1970
	serial   uint64
	more     *Object  // nil: all the rest is made up from key and serial
	older    *version // only in a versioned bucket
	deleted  bool     // a delete marker
}

// etag is the one that is made up.
func (v *version) etag(key string) string {
	var buf [128]byte
	named := append(strconv.AppendUint(buf[:0], v.serial, 10), 0)
	h := fnv.New128a()
	h.Write(append(named, key...))
	quoted := append(buf[:0], '"')
	quoted = hex.AppendEncode(quoted, h.Sum(buf[64:64]))
	return string(append(quoted, '"'))
}

// object is v in the form of the API.
func (v *version) object(key string, versioned bool) Object {
	var o Object
	if v.more != nil {
		o = *v.more
	}
	o.Size, o.LastModified = v.size, time.Unix(v.modified, 0).UTC()
	if o.ETag == "" {
		o.ETag = v.etag(key)
	}
	if !versioned {
		o.VersionID = ""
	} else if o.VersionID == "" {
		o.VersionID = fmt.Sprintf("v%015x", v.serial)
	}
	if o.StorageClass == "" {
		o.StorageClass = "STANDARD"
	}
	return o
}

// A store is the bucket's content.
type store struct {
	versioned bool

	mu       sync.RWMutex
	versions map[string]version // the newest of each key
	keys     []string           // of those that are not deleted
	sorted   bool               // keys is sorted and each is there once; else it is made anew by the next listing
	serial   uint64
}

func (st *store) fill(objects map[string]Object, texts map[string]string, now time.Time) {
	st.versions = make(map[string]version, len(objects)+len(texts))
	// In order, so that the same map has the same ETags in every run.
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		st.put(key, objects[key], now)
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		st.put(key, Object{Body: []byte(texts[key])}, now)
	}
}

func (st *store) put(key string, o Object, now time.Time) Object {
	st.mu.Lock()
	defer st.mu.Unlock()
	v := st.putLocked(key, o, now)
	if st.sorted {
		if i, found := slices.BinarySearch(st.keys, key); !found {
			st.keys = slices.Insert(st.keys, i, key)
		}
	}
	return v.object(key, st.versioned)
}

func (st *store) putRange(n int, name func(int) string, o Object, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sorted = false
	for i := range n {
		st.putLocked(name(i), o, now)
	}
}

func (st *store) putLocked(key string, o Object, now time.Time) version {
	st.serial++
	v := version{size: o.Size, modified: now.Unix(), serial: st.serial}
	if o.Body != nil {
		v.size = int64(len(o.Body))
	}
	if !o.LastModified.IsZero() {
		v.modified = o.LastModified.Unix()
	}
	if o.Body != nil || o.ETag != "" || o.VersionID != "" || o.StorageClass != "" || o.Header != nil {
		v.more = &o
	}
	st.replaceLocked(key, v)
	return v
}

func (st *store) replaceLocked(key string, v version) {
	if old, ok := st.versions[key]; ok && st.versioned {
		v.older = &old
	}
	st.versions[key] = v
}

func (st *store) delete(key string, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if v, ok := st.versions[key]; !ok || v.deleted {
		return
	}
	if st.versioned {
		st.serial++
		st.replaceLocked(key, version{serial: st.serial, modified: now.Unix(), deleted: true})
	} else {
		delete(st.versions, key)
	}
	if st.sorted {
		if i, found := slices.BinarySearch(st.keys, key); found {
			st.keys = slices.Delete(st.keys, i, i+1)
		}
	}
}

func (st *store) deleteVersion(key, id string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	newest, ok := st.versions[key]
	if !ok || !st.versioned {
		return false
	}
	st.sorted = false
	if newest.object(key, true).VersionID == id {
		delete(st.versions, key)
		if newest.older != nil {
			st.versions[key] = *newest.older
		}
		return true
	}
	for v := &newest; v.older != nil; v = v.older {
		if v.older.object(key, true).VersionID == id {
			v.older = v.older.older
			st.versions[key] = newest
			return true
		}
	}
	return false
}

// history calls f with the sorted keys, those included that only have versions,
// and a way to the newest version of each, which may be used until f returns.
func (st *store) history(f func(keys []string, newest func(key string) version)) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	f(slices.Sorted(maps.Keys(st.versions)), func(key string) version { return st.versions[key] })
}

// get is the object of key with that version id, the newest if it is "".
func (st *store) get(key, versionID string) (Object, bool) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	newest, ok := st.versions[key]
	if !ok {
		return Object{}, false
	}
	if versionID == "" || versionID == "null" && !st.versioned {
		if newest.deleted {
			return Object{}, false
		}
		return newest.object(key, st.versioned), true
	}
	for v := &newest; v != nil && st.versioned; v = v.older {
		if o := v.object(key, true); !v.deleted && o.VersionID == versionID {
			return o, true
		}
	}
	return Object{}, false
}

// read calls f with the sorted keys and a way to their objects, which may be
// used until f returns.
func (st *store) read(f func(keys []string, object func(key string) Object)) {
	st.sort()
	st.mu.RLock()
	defer st.mu.RUnlock()
	keys := st.keys
	if !st.sorted { // a PutRange came between; rare enough to pay for it
		keys = st.sortedKeysLocked()
	}
	f(keys, func(key string) Object {
		v := st.versions[key]
		return v.object(key, st.versioned)
	})
}

func (st *store) sort() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.sorted {
		st.keys, st.sorted = st.sortedKeysLocked(), true
	}
}

func (st *store) sortedKeysLocked() []string {
	keys := make([]string, 0, len(st.versions))
	for key, v := range st.versions {
		if !v.deleted {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
