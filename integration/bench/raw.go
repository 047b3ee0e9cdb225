//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"s3mount/sigv4"
)

// A raw client does a row's work with as few requests as it takes and nothing
// besides: what no file system can be faster than by much.
type raw struct {
	ctx    context.Context
	base   string // endpoint and bucket
	creds  sigv4.Credentials
	signer sigv4.Signer
	http   *http.Client
}

func newRaw(ctx context.Context, r report) *raw {
	return &raw{
		ctx:   ctx,
		base:  r.Endpoint + "/" + bucketName,
		creds: sigv4.Credentials{AccessKeyID: r.AccessKey, SecretAccessKey: r.SecretKey},
		http: &http.Client{Transport: &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 256, ReadBufferSize: 32 << 10,
		}},
	}
}

func (c *raw) close() { c.http.CloseIdleConnections() }

var drained = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// get reads an answer to its end. want is its length, -1 if that is not known.
func (c *raw) get(target, byteRange string, want int64) error {
	r, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.base+target, nil)
	if err != nil {
		return err
	}
	if byteRange != "" {
		r.Header.Set("Range", byteRange)
	}
	if _, err := c.signer.Sign(r, c.creds, sigv4.Scope{Region: region, Service: "s3"}, sigv4.EmptyPayload, time.Now()); err != nil {
		return err
	}
	a, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	buf := drained.Get().(*[]byte)
	defer drained.Put(buf)
	var n int64
	for {
		m, err := a.Body.Read(*buf)
		n += int64(m)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if a.StatusCode/100 != 2 || want >= 0 && n != want {
		return fmt.Errorf("GET %s %s: %s, %d bytes, want %d", target, byteRange, a.Status, n, want)
	}
	return nil
}

func (c *raw) span(s span) error {
	return c.get("/"+s.Key, fmt.Sprintf("bytes=%d-%d", s.Off, s.Off+s.Len-1), s.Len)
}

// spans reads spans over so many connections.
func (c *raw) spans(connections int, spans []span) error {
	return parallel(connections, len(spans), func(i int) error { return c.span(spans[i]) })
}

// pieces are spans of n bytes that cover a file.
func pieces(key string, size, n int64) []span {
	var all []span
	for off := int64(0); off < size; off += n {
		all = append(all, span{key, off, min(n, size-off)})
	}
	return all
}

// list asks for a page of all keys behind one, whatever directory they are in.
func (c *raw) list(after string) error {
	target := "?encoding-type=url&list-type=2&max-keys=1000"
	if after != "" {
		target += "&start-after=" + sigv4.EscapeQuery(after)
	}
	return c.get(target, "", -1)
}

// listAll lists all keys over so many connections, knowing beforehand where each
// page begins.
func (c *raw) listAll(connections int, d dataset) error {
	keys := d.keys()
	return parallel(connections, (len(keys)+999)/1000, func(i int) error {
		if i == 0 {
			return c.list("")
		}
		return c.list(keys[i*1000-1])
	})
}

// keys are all, in order.
func (d dataset) keys() []string {
	var keys []string
	for _, f := range d.files() {
		keys = append(keys, f.key)
	}
	slices.Sort(keys)
	return keys
}

// whole reads files of a dataset whole, over so many connections.
func (c *raw) whole(connections int, files []file) error {
	return parallel(connections, len(files), func(i int) error { return c.get("/"+files[i].key, "", files[i].size) })
}

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
