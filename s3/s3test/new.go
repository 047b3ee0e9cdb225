package s3test

import "testing"

// New starts a server that ends with the test. The test fails if a request
// other than GET and HEAD has arrived by then: nothing that uses this package
// may write. A test that wants to see one refused uses Start.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Logf == nil {
		o.Logf = t.Logf
	}
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		for _, r := range s.Log() {
			if r.Method != "GET" && r.Method != "HEAD" {
				t.Errorf("s3test: a request that would write: %s", r)
			}
		}
	})
	return s
}
