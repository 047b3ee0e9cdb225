package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// maxKeys bounds the memo. A mount needs one key for each region it talks to;
// what fills it is a day's end or a change of credentials.
const maxKeys = 16

// A keyID names a derived key. The secret itself is part of it: two tenants, or
// one tenant before and after a rotation, may have the same access key id.
type keyID struct {
	secret string
	day    string // yyyymmdd
	scope  Scope
}

// keys remembers derived keys: four HMACs saved for each request. It hands out
// ready HMACs, which are not safe for concurrent use, so each key has a pool.
type keys struct {
	mu    sync.Mutex // guards pools, never held while hashing
	pools map[keyID]*sync.Pool
}

// pool returns the HMACs keyed with the signing key of id.
func (k *keys) pool(id keyID) *sync.Pool {
	k.mu.Lock()
	p := k.pools[id]
	k.mu.Unlock()
	if p != nil {
		return p
	}
	key := deriveKey(id)
	p = &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.pools) >= maxKeys {
		clear(k.pools)
	}
	if k.pools == nil {
		k.pools = make(map[keyID]*sync.Pool)
	}
	k.pools[id] = p
	return p
}

// sum appends the HMAC of msg to dst.
func (k *keys) sum(id keyID, dst, msg []byte) []byte {
	p := k.pool(id)
	h := p.Get().(hash.Hash)
	h.Reset()
	h.Write(msg)
	dst = h.Sum(dst)
	p.Put(h)
	return dst
}

// deriveKey binds the secret to a day, a region and a service, step by step.
func deriveKey(id keyID) []byte {
	key := []byte("AWS4" + id.secret)
	for _, part := range []string{id.day, id.scope.Region, id.scope.Service, "aws4_request"} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return key
}
