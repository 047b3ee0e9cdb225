package sigv4

// MaxKeys is how many derived keys a Signer remembers.
const MaxKeys = maxKeys

// Remembered returns how many derived keys s remembers.
func (s *Signer) Remembered() int {
	k := s.memo()
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.pools)
}
