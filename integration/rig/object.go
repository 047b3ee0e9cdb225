//go:build linux

package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The objects are uploaded with the SDK's signer, not with s3mount's own: what
// the tests compare with must not share its mistakes.
var signer = v4.NewSigner(func(o *v4.SignerOptions) {
	o.DisableURIPathEscaping = true // S3's rule: the path is signed as it is on the wire
})

// CreateBucket makes a bucket. With versioned set it keeps what is replaced or
// deleted.
func (g *Gateway) CreateBucket(ctx context.Context, bucket string, versioned bool) error {
	if err := g.send(ctx, http.MethodPut, "/"+bucket, nil, nil); err != nil {
		return err
	}
	if !versioned {
		return nil
	}
	return g.send(ctx, http.MethodPut, "/"+bucket+"?versioning",
		strings.NewReader("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"), nil)
}

// SetPolicy gives a bucket its policy, in JSON.
func (g *Gateway) SetPolicy(ctx context.Context, bucket, policy string) error {
	return g.send(ctx, http.MethodPut, "/"+bucket+"?policy", strings.NewReader(policy), nil)
}

// Put stores the content as an object. A key that ends in "/" with no content
// is a directory marker.
func (g *Gateway) Put(ctx context.Context, bucket, key string, content io.ReadSeeker) error {
	return g.PutMeta(ctx, bucket, key, content, nil)
}

// PutMeta is Put with metadata: values of x-amz-meta-NAME by NAME.
func (g *Gateway) PutMeta(ctx context.Context, bucket, key string, content io.ReadSeeker, meta map[string]string) error {
	return g.send(ctx, http.MethodPut, "/"+bucket+"/"+escape(key), content, meta)
}

// Delete removes an object.
func (g *Gateway) Delete(ctx context.Context, bucket, key string) error {
	return g.send(ctx, http.MethodDelete, "/"+bucket+"/"+escape(key), nil, nil)
}

// Upload stores the tree below dir in the bucket: files as objects, empty
// directories as markers.
func (g *Gateway) Upload(ctx context.Context, bucket, dir string) error {
	paths := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards errs
	var errs []error
	for range 8 { // ends when paths is closed
		wg.Go(func() {
			for path := range paths {
				if err := g.putPath(ctx, bucket, dir, path); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	err := filepath.WalkDir(dir, func(path string, d iofs.DirEntry, err error) error {
		if err == nil && path != dir {
			paths <- path
		}
		return err
	})
	close(paths)
	wg.Wait()
	return errors.Join(append(errs, err)...)
}

func (g *Gateway) putPath(ctx context.Context, bucket, dir, path string) error {
	key, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	below, err := f.ReadDir(1)
	switch {
	case len(below) > 0:
		return nil // its entries make it
	case errors.Is(err, io.EOF):
		return g.Put(ctx, bucket, key+"/", bytes.NewReader(nil))
	}
	return g.Put(ctx, bucket, key, f)
}

// send sends one signed request. target is a path and query as on the wire. An
// answer other than 2xx is an error that shows the server's words.
func (g *Gateway) send(ctx context.Context, method, target string, content io.ReadSeeker, meta map[string]string) error {
	var length int64
	var body io.Reader
	if content != nil {
		var err error
		if length, err = content.Seek(0, io.SeekEnd); err != nil {
			return err
		}
		if _, err = content.Seek(0, io.SeekStart); err != nil {
			return err
		}
		body = io.NopCloser(content) // Upload closes its files itself
	}
	r, err := http.NewRequestWithContext(ctx, method, g.URL+target, body)
	if err != nil {
		return err
	}
	if r.ContentLength = length; length == 0 {
		r.Body = http.NoBody
	}
	const unsigned = "UNSIGNED-PAYLOAD"
	r.Header.Set("X-Amz-Content-Sha256", unsigned)
	for name, value := range meta {
		r.Header.Set("X-Amz-Meta-"+name, value)
	}
	keys := aws.Credentials{AccessKeyID: g.AccessKey, SecretAccessKey: g.SecretKey}
	if err := signer.SignHTTP(ctx, keys, r, unsigned, "s3", "us-east-1", time.Now()); err != nil {
		return err
	}
	a, err := g.client.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s\n%s", method, target, a.Status, text)
	}
	return err
}

// escape is the wire form of a key: "/" and the unreserved characters literal,
// every other byte as %XX.
func escape(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(p), "+", "%20")
	}
	return strings.Join(parts, "/")
}
